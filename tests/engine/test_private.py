"""What a venue tells of our account: every word is handed on, whatever the connection does around it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fairlead.engine.private import AGAIN_MS, JOIN_WAIT_MS, Turn, Turned
from fairlead.errors import Misuse
from fairlead.model import events
from fairlead.model.orders import Fill, OrderReport, Status
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Ending, Event, Missed, Need, Ousted, Refused, Topic, Whole
from fairlead.wire.faults import Fault, Kind
from tests.engine.stage import Key, Stage, play
from tests.engine.told import BTC, TRADES, Reader, trade, word

ORDERS, BALANCES, POSITIONS = Topic("orders"), Topic("balances"), Topic("positions")
REPORT = OrderReport(venue="stage", symbol=BTC, order_id="7", status=Status.OPEN)
FILL = Fill(venue="stage", symbol=BTC, order_id="7", id="1", side="buy", price=Decimal(1), qty=Decimal(2))
HOUR_MS = 3_600_000


class Ears:
    """What an account would be told."""

    def __init__(self) -> None:
        self.is_broken = False
        self.events: list[Any] = []
        self.turns: list[Turned] = []

    def heard(self, topic: Topic, event: Event) -> None:
        if self.is_broken:
            raise RuntimeError("a bug in the fold")
        self.events.append(event)

    def turned(self, word: Turned) -> None:
        self.turns.append(word)

    def of(self, topic: Topic = ORDERS) -> list[Turn]:
        return [one.what for one in self.turns if one.topic == topic]


async def listening(stage: Stage) -> Ears:
    ears = Ears()
    stage.desk.teller.listen(ears)
    await stage.wait(20)
    return ears


def test_every_word_is_handed_on_in_its_order() -> None:
    """If this failed, a fill would be lost, or heard before the order that it belongs to."""

    async def visit(stage: Stage) -> None:
        ears = Ears()
        assert set(stage.desk.teller.listen(ears)) == {ORDERS, BALANCES, POSITIONS}
        await stage.wait(20)
        stage.office.tell(ORDERS, FILL, REPORT, FILL, REPORT)
        assert ears.events == [FILL, REPORT, FILL, REPORT]
        assert ears.of() == ears.of(BALANCES) == ears.of(POSITIONS) == [Turn.JOINED]

    play(visit, private={})


def test_silence_is_the_usual_thing() -> None:
    """If this failed, an account that does not trade would be joined again and again, and freeze for nothing."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        await stage.wait(HOUR_MS)
        assert ears.of() == [Turn.JOINED]
        assert len(stage.dials) == 1
        assert len(stage.office.texts) == 3

    play(visit, private={})


def test_a_lost_connection_is_told_and_so_is_the_next() -> None:
    """If this failed, what happened while nobody listened would never be asked for."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        stage.office.drop()
        await stage.wait(2_000)
        assert ears.of() == [Turn.JOINED, Turn.LOST, Turn.JOINED]
        stage.office.tell(ORDERS, FILL)
        assert ears.events == [FILL]

    play(visit, private={})


def test_what_the_venue_says_of_its_own_numbers_is_told() -> None:
    """If this failed, a hole that the venue itself shows would pass for silence."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        stage.office.say(word(Whole(ORDERS)), word(Missed(ORDERS, "sequence 5 after 3")), word(Whole(Topic("other"))))
        assert ears.of() == [Turn.JOINED, Turn.WHOLE, Turn.MISSED]
        assert ears.turns[-1].why == "sequence 5 after 3"
        assert not stage.heard(events.Blunder)

    play(visit, private={})


def test_whoever_is_ousted_logs_in_again() -> None:
    """If this failed, a session that the venue ended would look like a quiet one for ever."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        first, gone = stage.office, Fault(Kind.TOKEN, said="session over", wait_ms=3_000)
        first.say(word(Ousted(gone)))
        await stage.wait(2_900)
        assert not stage.open_wires
        await stage.wait(200)
        assert ears.of() == [Turn.JOINED, Turn.OUSTED, Turn.LOST, Turn.JOINED]
        assert [one.fault for one in ears.turns if one.what is Turn.OUSTED] == [gone] * 3

    play(visit, private={})


@pytest.mark.parametrize(("wait_ms", "after_ms"), [(0, AGAIN_MS), (5_000, 5_000)])
def test_a_refused_topic_is_told_and_asked_for_again(wait_ms: int, after_ms: int) -> None:
    """If this failed, one refusal would leave an account deaf until the next start."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        no = Fault(Kind.PERMISSION, said="not you", wait_ms=wait_ms)
        stage.office.say(word(Refused(ORDERS, no)))
        assert ears.of() == [Turn.JOINED, Turn.LOST, Turn.REFUSED]
        await stage.wait(after_ms - 100)
        assert ears.of()[-1] is Turn.REFUSED
        await stage.wait(200)
        assert ears.of()[-1] is Turn.JOINED
        stage.office.tell(ORDERS, FILL)
        assert ears.events == [FILL]

    play(visit, private={})


def test_an_announced_end_is_not_a_gap() -> None:
    """If this failed, each planned change of a connection would freeze the account until it was compared again."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        old = stage.office
        old.say(word(Ending(30_000, "maintenance")))
        await stage.wait(3)
        both = stage.open_wires
        for wire in both:
            if "join orders" in wire.texts:
                wire.tell(ORDERS, FILL)
        await stage.wait(2_000)
        assert old not in stage.open_wires
        stage.office.tell(ORDERS, REPORT)
        assert len(both) == 2
        assert ears.events[0] == FILL
        assert ears.events[-1] == REPORT
        assert ears.of() == [Turn.JOINED]

    play(visit, private={})


def test_on_two_lines_both_speak_and_the_loss_of_one_is_none() -> None:
    """If this failed, a second connection would double the gaps instead of closing them."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        carry = [wire for wire in stage.wires if "join orders" in wire.texts]
        assert len(carry) == 2
        for wire in carry:
            wire.tell(ORDERS, FILL)
        assert ears.events == [FILL, FILL]  # whoever folds them knows a fill by its name
        carry[0].drop()
        await stage.wait(1_000)
        assert ears.of() == [Turn.JOINED]

    play(visit, private={}, doubled={"orders"})


def test_a_connection_without_a_heartbeat_is_told_before_it_is_cut() -> None:
    """If this failed, fills would be missing for as long as a dead connection takes to be found out."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        await stage.wait(17_000)
        assert ears.of() == [Turn.JOINED, Turn.STALE]
        stage.office.tell(BALANCES, FILL)
        await stage.wait(300)
        assert ears.of() == [Turn.JOINED, Turn.STALE, Turn.FRESH]
        await stage.wait(22_000)
        assert ears.of()[3:] == [Turn.STALE, Turn.LOST, Turn.JOINED]

    play(visit, private={"quiet_ms": 20_000})


def test_an_acknowledgement_that_never_comes_is_asked_for_again() -> None:
    """If this failed, one lost answer would leave an account deaf on a living connection."""

    async def visit(stage: Stage) -> None:
        stage.acks = False
        ears = await listening(stage)
        await stage.wait(JOIN_WAIT_MS + 500)
        assert "renew orders" in stage.office.texts
        assert ears.of() == []
        stage.office.ack(ORDERS)
        assert ears.of() == [Turn.JOINED]

    play(visit, private={})


def test_a_token_is_had_with_the_key() -> None:
    """If this failed, a venue that wants a token for its private stream would never let us in."""

    async def visit(stage: Stage) -> None:
        stage.replies[f"/{Op.POSITIONS}"] = "t1"
        await listening(stage)
        stage.office.say(lambda script: script.out.need(Need(Op.POSITIONS, None, "to log in")))
        await stage.wait(10)
        assert stage.office.texts[-1] == "supplied positions t1"
        assert "nonce" in stage.calls[-1][1].headers

    play(visit, private={}, also=(Op.POSITIONS,))


def test_a_fold_that_raises_costs_the_connection_and_is_told() -> None:
    """If this failed, a bug of ours in one report would end all hearing, or be passed over in silence."""

    async def visit(stage: Stage) -> None:
        ears = await listening(stage)
        ears.is_broken = True
        stage.office.tell(ORDERS, FILL)
        ears.is_broken = False
        await stage.wait(2_000)
        assert len(stage.heard(events.Blunder)) == 1
        assert ears.of() == [Turn.JOINED, Turn.LOST, Turn.JOINED]

    play(visit, private={})


def test_the_market_goes_on_beside_it() -> None:
    """If this failed, listening to an account would cost a market its data."""

    async def visit(stage: Stage) -> None:
        stage.desk.feed(TRADES).subscribe(reader := Reader())
        ears = await listening(stage)
        stage.wires[0].tell(TRADES, trade(1))
        stage.office.tell(ORDERS, FILL)
        assert [one.id for one in reader.heard] == ["1"]
        assert ears.events == [FILL]
        assert [wire.url for wire in stage.wires] == ["ws://a/stream", "ws://a/private"]

    play(visit, private={})


def test_without_a_key_there_is_no_account_to_hear() -> None:
    """If this failed, a session without a key would dial a door that never opens."""

    async def visit(stage: Stage) -> None:
        with pytest.raises(Misuse, match="only with a key"):
            stage.desk.teller.listen(Ears())
        with pytest.raises(Misuse, match="only with a key"):
            stage.desk.teller.trade()
        assert not stage.dials

    play(visit)


def test_a_venue_without_an_account_stream_is_heard_by_nobody() -> None:
    """If this failed, a venue that tells nothing of accounts could not be opened with a key."""

    async def visit(stage: Stage) -> None:
        assert stage.desk.teller.listen(Ears()) == ()

    play(visit, signer=Key())


def test_an_accounts_topics_are_no_market_data() -> None:
    """If this failed, a misspelled stream of a market would be offered orders, and find nobody to read them."""

    async def visit(stage: Stage) -> None:
        with pytest.raises(Misuse, match="streams no orders") as refused:
            stage.desk.feed(ORDERS)
        assert "balances" not in refused.value.next

    play(visit, private={})

"""Cases of orders that stand: batches, changes, readings that trail or lack something, and what the stream tells."""

from __future__ import annotations

from decimal import Decimal

from fairlead.core.intent import Wish, checked
from fairlead.model import events
from fairlead.model.order import Life
from fairlead.model.orders import OrderType, Status
from fairlead.wire.asks import Op
from fairlead.wire.orders import AskCancel, AskPlace
from tests.conformance.needs import ANNOUNCES, BATCHES, POSITIONS, of_orders
from tests.conformance.pier import SWAP, Pier
from tests.conformance.stage import SYMBOL

MUTE_MS = 20_000


async def batch_cut_short(at: Pier) -> None:
    """Three in one request; of the answer the last outcome is missing."""
    at.strike("omit", op="place many", phase="before")
    at.strike("mute", "ws", kind="orders", for_ms=MUTE_MS)
    wish = Wish(symbol=SYMBOL, side="buy", qty="0.01", price=at.price(-10))
    instrument = at.market.instrument(SYMBOL)
    asked = [checked(wish, instrument, can=at.venue.can, hedged=False, touch=None)] * 3
    await at.desk.place_many(asked)
    at.must(len(at.truth.orders) == 3, f"{len(at.truth.orders)} orders came of three")
    await at.settled()
    lives = [track.order.life for track in at.account.tracks.values()]
    at.must(lives == [Life.OPEN] * 3, f"they are {lives}")


async def amended_in_doubt(at: Pier) -> None:
    """Before the venue acted: nothing has changed. After: everything has."""
    order = await at.bid(qty="0.02")
    for phase, qty in (("before", "0.02"), ("after", "0.01")):
        at.strike("unsure", op="amend", phase=phase)
        at.strike("mute", "ws", kind="orders", for_ms=5_000)
        given = await at.market.amend(order, qty="0.01")
        at.must(given.amending or given.qty == Decimal(qty), f"after {phase}: {given}")
        await at.settled()
        at.must(at.now(order).qty == Decimal(qty), f"after {phase} the order shows {at.now(order).qty}")


async def cancelled_in_doubt(at: Pier) -> None:
    for action, phase in (("unsure", "before"), ("unsure", "after"), ("hang", "after"), ("reset", "after")):
        order = await at.bid()
        at.strike(action, op="cancel", phase=phase)
        at.strike("mute", "ws", kind="orders", for_ms=5_000)
        await at.market.cancel(order)
        await at.settled()
        at.is_life(order, Life.CANCELLED)


async def cancel_of_nothing(at: Pier) -> None:
    """The venue says that there is no such order, while it stands; and while its fill has not been told yet."""
    order = await at.bid()
    at.strike("decline", op="cancel", text="NOT_FOUND gone")
    given = await at.market.cancel(order)
    at.must(given.life is not Life.CANCELLED, "a refusal was taken for a cancel")
    await at.settled()
    at.is_life(order, Life.CANCELLED)
    at.strike("mute", "ws", kind="orders", for_ms=MUTE_MS)
    filled = await at.take()
    given = await at.market.cancel(filled)
    at.must(given.life is not Life.CANCELLED, "a fill under way was taken for a cancel")
    await at.settled()
    at.is_life(filled, Life.FILLED)


async def trailing_readings(at: Pier) -> None:
    at.strike("hide", op="place", ms=4_000)
    at.strike("reset", op="place", phase="after")
    at.strike("mute", "ws", kind="orders", for_ms=MUTE_MS)
    order = await at.bid()
    for _ in range(8):
        at.must(at.now(order).life in (Life.UNKNOWN, Life.OPEN), f"a reading that trails made it {at.now(order).life}")
        await at.wait(0.5)
    await at.settled()
    at.is_life(order, Life.OPEN)


async def no_readings(at: Pier) -> None:
    """For two minutes no question is answered: the doubt stays, and so does what it could cost."""
    at.strike("reset", op="place")
    at.strike("mute", "ws", kind="orders", for_ms=130_000)
    at.strike("status", op="reads", status=503, for_ms=120_000)
    order = await at.bid()
    await at.wait(110)
    at.is_life(order, Life.UNKNOWN)
    at.must(at.market.open_orders(), "nothing is reserved for it any more")
    at.saw(events.Unreconciled)
    await at.settled()
    at.is_life(order, Life.NOT_ACCEPTED)


async def cut_list(at: Pier) -> None:
    orders = [await at.bid(percent=10 + index) for index in range(3)]
    at.strike("omit", op="open orders", for_ms=100_000)
    await at.wait(100)
    for order in orders:
        at.is_life(order, Life.OPEN)


async def told_twice(at: Pier) -> None:
    at.strike("duplicate", "ws", kind="orders", for_ms=MUTE_MS)
    order = await at.take()
    await at.wait(3)
    at.is_life(order, Life.FILLED)


async def out_of_order(at: Pier) -> None:
    for _ in range(3):
        at.strike("reorder", "ws", kind="orders", most=2)
        order = await at.take("0.5")
        await at.wait(2)
        await at.settled()
        at.is_life(order, Life.FILLED)


async def fill_not_told(at: Pier) -> None:
    """The first word of an order is that it stands, the next its fill: each of them is lost once."""
    for nth in (1, 2, 3):
        at.strike("drop", "ws", kind="orders", nth=nth)
        order = await at.take("0.5")
        await at.wait(60)
        at.is_life(order, Life.FILLED)


async def fill_under_another_id(at: Pier) -> None:
    """The venue's own total decides: what it does not know is taken back."""
    at.voided = True
    at.strike("renumber", "ws", kind="orders")
    order = await at.take()
    await at.wait(5)
    await at.settled()
    at.is_life(order, Life.FILLED)


async def impossible_numbers(at: Pier) -> None:
    for factor in (0.0, -1.0, 1e30):
        at.strike("corrupt", "ws", kind="orders", factor=factor, most=2)
        order = await at.take()
        await at.wait(2)
        await at.settled()
        at.is_life(order, Life.FILLED)


async def counted_backwards(at: Pier) -> None:
    order = await at.market.buy(SYMBOL, qty="3", price=at.price(1))
    at.strike("rewind", "ws", kind="orders", most=3)
    await at.wait(2)
    await at.market.cancel(order)
    await at.settled()


async def unknown_status(at: Pier) -> None:
    words = ("NEW", "new", "pending_new", "live")
    strikes = [
        at.strike("rewrite", "ws", kind="orders", most=3, text=f'"{word}"=>"elsewhere"') for word in words
    ]  # whichever of them the venue says
    order = await at.bid()
    await at.wait(3)
    at.must(any(one.fired for one in strikes), "no word was changed")
    at.is_life(order, Life.OPEN)
    at.saw(events.Strange)


async def cut_while_filled(at: Pier) -> None:
    order = await at.bid()
    at.strike("refuse", "conn", for_ms=3_000)
    await at.wait(0.5)
    await by_hand_fill(at)
    at.city.by_hand(at.name, at.city.keys[at.name].key, Op.CANCEL, AskCancel(symbol=SYMBOL, order_id=order.order_id))
    await at.wait(90)  # readings may trail so long
    at.is_life(order, Life.CANCELLED)


async def by_hand_fill(at: Pier) -> None:
    """Somebody else who may act on the account buys at the market."""
    asked = AskPlace(symbol=SYMBOL, side="buy", type=OrderType.MARKET, client_id="", qty=Decimal("0.01"))
    at.city.by_hand(at.name, at.city.keys[at.name].key, Op.PLACE, asked)


async def leave_to_listen_ends(at: Pier) -> None:
    """Each connection is closed as soon as it stands, three times; meanwhile an order ends."""
    order = await at.bid()
    at.strike("slam", "conn", most=3)
    at.strike("cut", "conn")
    await at.wait(0.3)
    at.city.by_hand(at.name, at.city.keys[at.name].key, Op.CANCEL, AskCancel(symbol=SYMBOL, order_id=order.order_id))
    await at.wait(60)
    at.is_life(order, Life.CANCELLED)


async def revoked(at: Pier) -> None:
    """Another key to the same account keeps trading: the program that lost its own says so, and claims nothing."""
    order = await at.bid()
    key = at.city.keys[at.name].key
    at.city.new_key(at.name, key)
    at.city.revoke(at.name, key, 1008)
    await at.wait(5)
    failed = await at.fails(at.bid())
    at.must(failed.said and failed.next, f"it does not say what to do: {failed!r}")
    at.must(len(at.truth.orders) == 1, "an order was placed with a key that was revoked")
    at.saw(events.Deaf)
    at.is_life(order, Life.OPEN)
    account = at.mouth.keyring.account(key)
    at.mouth.keyring.add(at.city.keys[at.name], account)  # the venue gives it back
    await at.wait(90)


async def others_trade(at: Pier) -> None:
    await by_hand_fill(at)
    resting = AskPlace(
        symbol=SYMBOL, side="buy", type=OrderType.LIMIT, client_id="", qty=Decimal("0.01"), price=at.price(-10)
    )
    mine = await at.bid()
    at.city.by_hand(at.name, at.city.keys[at.name].key, Op.PLACE, resting)
    await at.wait(60)
    at.saw(events.Foreign)
    await at.market.cancel_all()
    await at.wait(2)
    at.is_life(mine, Life.CANCELLED)
    left = await at.market.ask_open_orders()
    at.must([one.status for one in left] == [Status.OPEN], f"another hand's order was cancelled: {left}")


async def position_disagrees(at: Pier) -> None:
    at.strike("corrupt", "ws", kind="positions", most=2, factor=3.0)
    order = await at.market.buy(SWAP, qty=2, margin="cross")
    await at.wait(60)
    at.is_life(order, Life.FILLED)
    shown = await at.market.ask_positions(SWAP)
    known = at.desk.funds.positions
    at.must([one.qty for one in shown] == [Decimal(2)], f"the venue shows {shown}")
    at.must([one.qty for one in known.values() if one.qty] == [Decimal(2)], f"we believe {known}")
    await at.market.close(SWAP)


async def silent_account(at: Pier) -> None:
    """Heartbeats go on, and nothing of the account is told: a fill is found by reading."""
    at.strike("mute", "ws", kind="orders", for_ms=120_000)
    order = await at.take()
    await at.wait(60)
    at.is_life(order, Life.FILLED)


async def closed_by_the_venue(at: Pier) -> None:
    at.strike("cut", "conn", code=1001)
    order = await at.take()
    await at.wait(20)
    at.saw(events.Lost)
    at.is_life(order, Life.FILLED)
    at.is_life(await at.bid(), Life.OPEN)


async def announced_end(at: Pier) -> None:
    at.strike("end", "conn", ms=8_000)
    orders = []
    for _ in range(10):
        orders.append(await at.take())
        await at.wait(1.5)
    at.saw(events.Retiring)
    for order in orders:
        at.is_life(order, Life.FILLED)


CASES = (
    of_orders(24, "of a batch's answer a part is missing", "three orders in one request, two outcomes",
        "the one without an outcome is UNKNOWN, and found", batch_cut_short, BATCHES),
    of_orders(26, "an amendment is not answered", "before and after the venue acts",
        "the order shows what the venue has", amended_in_doubt),
    of_orders(27, "a cancel is not answered", "unsure before and after, no reply, a broken one",
        "its end is what the venue shows; a cancel is repeated until it shows one", cancelled_in_doubt),
    of_orders(28, "a cancel finds no such order", "refused while the order stands, and while its fill is on its way",
        "no refusal is taken for a cancel: the order ends as the venue shows", cancel_of_nothing),
    of_orders(33, "readings trail", "the order is in no reading for 4 s", "nothing is concluded from it",
        trailing_readings),
    of_orders(34, "no reading is answered", "for two minutes", "UNKNOWN, told, and reserved until one is",
        no_readings),
    of_orders(35, "the list of open orders is cut short", "its end is missing for 100 s",
        "nobody is taken for gone who is not on it", cut_list),
    of_orders(36, "fills are told twice", "for 20 s", "each is counted once", told_twice),
    of_orders(37, "words of the stream come in another order", "two are exchanged, three times",
        "the order ends as the venue has it", out_of_order),
    of_orders(38, "a word of the stream is lost", "the first, the second, the third of an order",
        "it is found by reading, within a period", fill_not_told),
    of_orders(39, "a fill is told again under another id", "once", "the venue's own total decides",
        fill_under_another_id),
    of_orders(40, "impossible quantities", "none, negative, far too large",
        "none is believed; what is true is read", impossible_numbers),
    of_orders(41, "what was filled goes backwards", "three words tell of nothing filled",
        "nothing is taken back; what is true is read", counted_backwards),
    of_orders(42, "a status that nobody knows", "the word for a new order is another", "told; the order stays live",
        unknown_status),
    of_orders(43, "the connection breaks while something is filled and cancelled", "for 3 s, by another hand",
        "what was missed is read, once", cut_while_filled),
    of_orders(44, "leave to listen ends", "three connections are closed as soon as they stand",
        "it is asked for anew, and what was missed is read", leave_to_listen_ends),
    of_orders(45, "the key is revoked while it listens", "and given back later",
        "told; orders are refused with what to do; nothing is claimed of those that stand", revoked),
    of_orders(46, "another hand trades on the account", "an order and a fill by hand",
        "shown as foreign, left alone, and the balances are right", others_trade),
    of_orders(47, "a position is told that fills do not explain", "three times as large, twice",
        "held against a reading, which is believed", position_disagrees, POSITIONS),
    of_orders(49, "the account falls silent", "heartbeats go on, nothing of orders is told",
        "a fill is found by reading, within a period", silent_account),
    of_orders(50, "the venue closes the account's connection", "with 1001, while an order is filled",
        "told, dialled again, nothing is missed", closed_by_the_venue),
    of_orders(50, "the venue announces the end of the account's connection", "8 s before, while orders go out",
        "each is answered and filled", announced_end, ANNOUNCES),
)  # fmt: skip

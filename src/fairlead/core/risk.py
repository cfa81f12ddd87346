"""The user's own limits, judged before anything is written down: one question, one answer, and nothing remembered.

What it must know is handed in as a Sight. A limit that cannot be judged (no live book, an order whose worst case
nobody knows) refuses: no limit is ever passed over in silence. What is about to reduce a position passes the drawdown
stop, and never the kill switch."""

from __future__ import annotations

from decimal import Context, Decimal

from msgspec.structs import replace

from fairlead.core.change import as_place
from fairlead.core.exposure import Claim, Exposure, claim_of, place_claim
from fairlead.core.limits import Limits
from fairlead.core.sight import Sight
from fairlead.core.worth import Touch
from fairlead.errors import RiskRefused
from fairlead.model.instrument import Instrument
from fairlead.model.market import State
from fairlead.model.numbers import EXACT
from fairlead.model.order import Order
from fairlead.model.orders import BUY
from fairlead.wire.orders import AskAmend, AskPlace

ZERO = Decimal(0)
PER_BPS = Decimal("0.0001")
SHOWN = Context(prec=20)  # digits that a refusal shows


class Risk:
    """Of one account. `judge` raises RiskRefused: the limit, by how much, and what can be done."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def judge(self, asked: AskPlace, instrument: Instrument, sight: Sight) -> None:
        self._judge_symbol(asked.symbol)
        self._judge_rate(sight)
        self._judge_book(asked, sight.touch)
        claim = self._known(place_claim(asked, instrument, sight.touch), asked, sight)
        self._judge_size(asked, claim.qty, claim.notional, instrument)
        self._judge_sum(asked, claim, instrument, sight)

    def judge_change(self, order: Order, asked: AskAmend, instrument: Instrument, sight: Sight) -> None:
        """The order as it would be. It stands in the sight's exposure as it is; until the venue answers it counts as
        whichever of the two goes further, so it is judged as that."""
        after = as_place(order, asked)
        self._judge_rate(sight)
        self._judge_book(after, sight.touch)
        was = self._known(claim_of(order, instrument, sight.touch), after, sight)
        may_be = self._known(claim_of(order, instrument, sight.touch, asked), after, sight)
        whole = self._known(place_claim(after, instrument, sight.touch), after, sight)
        self._judge_size(after, whole.qty, whole.notional, instrument)
        if may_be.qty > was.qty or may_be.notional > was.notional:
            rest = replace(
                sight,
                exposure=sight.exposure.without(was),
                day_notional=EXACT.subtract(sight.day_notional, was.notional),
            )
            self._judge_sum(after, may_be, instrument, rest)

    # ---- what is asked of each order alone

    def _judge_symbol(self, symbol: str) -> None:
        allowed = self.limits.symbols
        if allowed is not None and symbol not in allowed:
            raise RiskRefused(
                f"The limit symbols does not hold {symbol}.",
                known=f"allowed are {', '.join(allowed) or 'none'}; nothing was sent",
                next="trade one of these, or add it to the list",
            )

    def _judge_rate(self, sight: Sight) -> None:
        for name, before, most in (
            ("per_second", sight.in_second, self.limits.per_second),
            ("per_minute", sight.in_minute, self.limits.per_minute),
        ):
            if most is not None and before >= most:
                raise RiskRefused(
                    f"The limit {name} is {most}, and this would be order number {before + 1}.",
                    known="changes count as orders, cancels do not; nothing was sent",
                    next="wait, ask less often, or raise the limit",
                )

    def _judge_book(self, asked: AskPlace, touch: Touch | None) -> None:
        limits, collar = self.limits, self.limits.caps(asked.symbol).collar_bps
        measured = collar is not None or limits.book_age_ms is not None
        if limits.need_live_book or (measured and limits.need_live_book is None):
            _check_live(asked.symbol, touch)
        if limits.book_age_ms is not None:
            _check_age(asked.symbol, touch, limits.book_age_ms)
        if collar is not None:
            _check_collar(asked, touch, collar)

    def _judge_size(self, asked: AskPlace, qty: Decimal, notional: Decimal, instrument: Instrument) -> None:
        caps, quote = self.limits.caps(asked.symbol), instrument.parts.quote
        _at_most("order_qty", caps.order_qty, qty, f"this order of {asked.symbol} has")
        _at_most("order_notional", caps.order_notional, notional, f"this order of {asked.symbol} is worth", quote)

    # ---- what is asked of it together with all the others

    def _judge_sum(self, asked: AskPlace, claim: Claim, instrument: Instrument, sight: Sight) -> None:
        caps, quote, before = self.limits.caps(asked.symbol), instrument.parts.quote, sight.exposure
        after = before.with_claim(claim)
        reach = (after.longest, before.longest) if asked.side == BUY else (after.shortest, before.shortest)
        if reach[0] > reach[1]:  # one that only goes back towards nothing is never refused for where it stands
            side = "long" if asked.side == BUY else "short"
            _at_most("position", caps.position, reach[0], f"{asked.symbol} could become {side} by", doubtful=before)
        self._judge_fall(sight, grows=reach[0] > reach[1])
        said = f"orders of {asked.symbol} that may still be filled would be worth"
        _at_most("open_notional", caps.open_notional, after.notional, said, quote, doubtful=before)
        day = EXACT.add(sight.day_notional, claim.notional)
        said = "trades of this UTC day, with all that may still be filled, could come to"
        _at_most("day_notional", self.limits.day_notional, day, said, quote, doubtful=before)

    def _judge_fall(self, sight: Sight, grows: bool) -> None:
        most, fallen = self.limits.drawdown_percent, sight.fallen_percent
        if most is None or not grows:
            return
        if fallen is None:
            raise RiskRefused(
                "The limit drawdown_percent cannot be judged: the account's worth was never read.",
                known="nothing was sent",
                next="hand in a reading of the equity, or take the limit away",
            )
        if fallen >= most:
            raise RiskRefused(
                f"The limit drawdown_percent is {most}, and the account is {_shown(fallen)} % below its highest worth.",
                known="orders that reduce a position are still taken; nothing was sent",
                next="reduce, or set the peak by hand once you know why",
            )

    def _known(self, claim: Claim | None, asked: AskPlace, sight: Sight) -> Claim:
        """The worst case, which must be known wherever a limit is measured by it."""
        limits, caps = self.limits, self.limits.caps(asked.symbol)
        unknown = [] if claim is not None else ["this order"]
        sums = (caps.position, caps.open_notional, limits.day_notional)
        if any(limit is not None for limit in sums):
            unknown += sight.exposure.unpriced
        if limits.day_notional is not None:
            unknown += [name for name in sight.day_unpriced if name not in unknown]
        measured = any(limit is not None for limit in (*sums, caps.order_qty, caps.order_notional))
        if not unknown or not (measured or (limits.drawdown_percent is not None and not asked.reduce_only)):
            return claim or Claim(asked.side, asked.pos_side, ZERO, ZERO)
        raise RiskRefused(
            f"The limits of {asked.symbol} cannot be judged: nobody knows what {', '.join(unknown)} may come to.",
            known="it has no price of its own, and no book of its symbol is heard; nothing was sent",
            next="open the symbol's book, give a price, or wait until the order in doubt is found out",
        )

    def __repr__(self) -> str:
        set_ = [name for name in Limits.__struct_fields__ if getattr(self.limits, name) not in (None, {})]
        return f"<Risk limited by {', '.join(set_) or 'nothing'}>"


def _at_most(
    name: str, most: Decimal | None, would_be: Decimal, said: str, unit: str = "", doubtful: Exposure | None = None
) -> None:
    if most is None or would_be <= most:
        return
    doubt = doubtful.doubtful if doubtful is not None else 0
    known = f"{doubt} of the orders counted are in doubt and count in full; " if doubt else ""
    of = f" {unit}" if unit else ""
    raise RiskRefused(
        f"The limit {name} is {_shown(most)}{of}: {said} {_shown(would_be)}{of}, "
        f"{_shown(EXACT.subtract(would_be, most))} too much.",
        known=f"{known}nothing was sent",
        next="ask for less, cancel something, or raise the limit",
    )


def _check_live(symbol: str, touch: Touch | None) -> None:
    state = "not heard" if touch is None else touch.state
    if touch is None or touch.state is not State.LIVE:
        raise RiskRefused(
            f"The limit need_live_book refuses: the book of {symbol} is {state}.",
            known="prices may have moved unseen; nothing was sent",
            next="wait until it lives again" if touch is not None else "open the symbol's book",
        )


def _check_age(symbol: str, touch: Touch | None, most_ms: int) -> None:
    if touch is None or touch.age_ms > most_ms:
        old = "not heard at all" if touch is None else f"{touch.age_ms} ms old, {touch.age_ms - most_ms} ms too much"
        raise RiskRefused(
            f"The limit book_age_ms is {most_ms}: the book of {symbol} is {old}.",
            known="nothing was sent",
            next="wait for its next change, or allow older ones",
        )


def _check_collar(asked: AskPlace, touch: Touch | None, bps: Decimal) -> None:
    """An order may not reach further than so much beyond the market (or its own trigger): it would trade there."""
    reference, what = (asked.trigger, "its trigger") if asked.type.is_triggered else (None, "the book's mid")
    if reference is None:
        reference = touch.mid if touch is not None else None
    reach = asked.price or (
        touch.far(asked.side) if touch is not None and not asked.type.is_triggered else asked.trigger
    )
    if reference is None or reach is None:
        raise RiskRefused(
            f"The limit collar_bps of {asked.symbol} cannot be judged: a side of its book is empty, or not heard.",
            known="nothing was sent",
            next="wait until somebody offers there",
        )
    sign = 1 if asked.side == BUY else -1
    allowed = EXACT.multiply(reference, 1 + sign * bps * PER_BPS)
    if EXACT.multiply(EXACT.subtract(reach, allowed), Decimal(sign)) > 0:
        beyond = abs(EXACT.subtract(reach, allowed))
        raise RiskRefused(
            f"The limit collar_bps is {_shown(bps)}: a {asked.side} of {asked.symbol} may reach {_shown(allowed)} "
            f"({what} is {_shown(reference)}), and this one reaches {_shown(reach)}, {_shown(beyond)} too far.",
            known="nothing was sent",
            next="give a price nearer to the market" if asked.price else "give a price, so that it cannot go further",
        )


def _shown(number: Decimal) -> str:
    """As a person writes it: no exponent, no idle zeros; what goes on for ever is cut."""
    return f"{SHOWN.normalize(number):f}"

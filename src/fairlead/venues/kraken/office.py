"""Kraken's end of a private socket: asks for the token, tells of orders and balances, takes calls and answers them.

Frames of a channel are numbered one by one; updates of an order are partial. It decides nothing about an order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct

from fairlead.model import numbers
from fairlead.model.account import Balance
from fairlead.model.market import MS
from fairlead.model.orders import Fill, OrderReport, OrderType, Receipt, Status, Tif
from fairlead.venues.kraken import engine
from fairlead.venues.kraken.auth import fenced, texts
from fairlead.venues.kraken.channels import ACCOUNT, BALANCES, EXECUTIONS, SNAPSHOT, UPDATE
from fairlead.venues.kraken.engine import Params
from fairlead.venues.kraken.faults import ARGUMENTS, worded
from fairlead.venues.kraken.hearing import Socket
from fairlead.venues.kraken.orders import FLAG_POST, FLAG_QUOTE, STATUSES, TYPES
from fairlead.venues.kraken.replies import REASONS, Manners, named, padded, rfc3339, trade_number
from fairlead.venues.kraken.stream import SUBSCRIBE, UNSUBSCRIBE
from fairlead.wire.asks import Op
from fairlead.wire.conversation import Topic
from fairlead.wire.endpoint import Ctx
from fairlead.wire.faults import Fault
from fairlead.wire.mirror import Ear, Execution, Heard
from fairlead.wire.orders import AskCancelAll
from fairlead.wire.signing import Stamp, Verifier

FENCE_LEAST_MS = 500  # how far ahead the socket takes a deadline
TERMS = {"maxratecount": 60, "snap_orders": True, "snap_trades": False}  # the count is of the lowest tier
NOT_HERE = "Public market data subscriptions are unavailable on this endpoint"
NO_SESSION, NO_METHOD = "ESession:Invalid session", "EGeneral:Unknown method"
TOPICS = {channel: kind for kind, channel in ACCOUNT.items()}
STATUS = {status: word for word, status in STATUSES.items()} | {Status.OPEN: "new", Status.REJECTED: "canceled"}


class Asked(Struct):
    method: str = ""
    params: dict[str, Any] = {}
    req_id: int | None = None


_ASKED = msgspec.json.Decoder(Asked, float_hook=str).decode


# ---- what is called: the words of the socket as those of REST


def _order(told: Params) -> dict[str, Any]:
    trigger, limit = told.get("triggers"), told.get("limit_price", "")
    first = trigger.get("price", "") if isinstance(trigger, dict) else ""
    flags = [FLAG_POST] * (told.get("post_only") == "true") + [FLAG_QUOTE] * ("cash_order_qty" in told)
    return {
        "type": told.get("side"), "ordertype": told.get("order_type"), "oflags": ",".join(flags),
        "volume": told.get("cash_order_qty", told.get("order_qty", "")), "price": first or limit,
        "price2": limit if first else "", "timeinforce": told.get("time_in_force"),
        "cl_ord_id": told.get("cl_ord_id", ""), "userref": told.get("order_userref", ""),
        "reduce_only": told.get("reduce_only", ""), "validate": told.get("validate", ""),
    } | ({"close": told["conditional"]} if "conditional" in told else {})  # fmt: skip


def _place(told: Params, ctx: Ctx) -> tuple[Op, Any]:
    symbol = engine.listed(str(told.get("symbol", "")), ctx).symbol
    return Op.PLACE, engine.placed(_order(told), symbol, engine.until_ms(told))


def _batch(told: Params, ctx: Ctx) -> tuple[Op, Any]:
    rows, symbol = told.get("orders"), engine.listed(str(told.get("symbol", "")), ctx).symbol
    orders = [_order(row if isinstance(row, dict) else {}) for row in rows] if isinstance(rows, list) else None
    return Op.PLACE_MANY, engine.many(orders, symbol, engine.until_ms(told))


def _amend(told: Params, ctx: Ctx) -> tuple[Op, Any]:
    return Op.AMEND, engine.amended({**told, "txid": told.get("order_id", "")})


def _cancel(told: Params, ctx: Ctx) -> tuple[Op, Any]:
    """Exactly one kind of ids; each is answered alone."""
    ids, names = told.get("order_id", []), told.get("cl_ord_id", [])
    if bool(ids) == bool(names) or told.get("order_userref"):
        raise engine.Wrong(ARGUMENTS)
    asked = engine.cancels(ids, names)
    return (Op.CANCEL, asked.orders[0]) if len(asked.orders) == 1 else (Op.CANCEL_MANY, asked)


_CALLS: Mapping[str, Callable[[Params, Ctx], tuple[Op, Any]]] = {
    "add_order": _place,
    "batch_add": _batch,
    "amend_order": _amend,
    "cancel_order": _cancel,
    "batch_cancel": lambda told, _: (Op.CANCEL_MANY, engine.cancels(told.get("orders", []), told.get("cl_ord_id", []))),
    "cancel_all": lambda told, _: (Op.CANCEL_ALL, AskCancelAll()),
    "cancel_all_orders_after": lambda told, _: (Op.DEAD_MAN, engine.timer(told)),
}


class PrivateHearing(Socket):
    def __init__(self, ctx: Ctx, verifier: Verifier, ear: Ear, manners: Manners = Manners()) -> None:
        super().__init__(ear, _ASKED, self._asked)
        self._ctx, self._verifier, self._manners = ctx, verifier, manners
        self._token = self._key = ""  # what a subscription stands by: it is good as long as one does
        self._sequences: dict[str, int] = {}  # by channel
        self._known: set[str] = set()  # orders that were told of
        self._totals: dict[str, Decimal] = {}

    def _asked(self, asked: Asked, at: Stamp) -> None:
        is_call, token = asked.method in _CALLS, str(asked.params.get("token", ""))
        if not is_call and asked.method not in (SUBSCRIBE, UNSUBSCRIBE):
            self._reply(asked, at, error=NO_METHOD)
        elif not is_call and str(asked.params.get("channel")) not in TOPICS:
            self._reply(asked, at, error=NOT_HERE)
        elif not (key := self._key if token == self._token and self._sequences else self._verifier.bearer(token)):
            self._reply(asked, at, error=NO_SESSION)
        else:
            {SUBSCRIBE: self._subscribe, UNSUBSCRIBE: self._unsubscribe}.get(asked.method, self._call)(asked, key, at)

    def _call(self, asked: Asked, key: str, at: Stamp) -> None:
        told = texts(asked.params)
        try:
            op, question = _CALLS[asked.method](told, self._ctx)
            fault = fenced(told.get("deadline", ""), FENCE_LEAST_MS, at)
            if fault is not None:
                raise engine.Wrong(fault.said)
        except engine.Wrong as wrong:
            self._reply(asked, at, error=str(wrong))
            return
        number = "" if asked.req_id is None else str(asked.req_id)
        self._ear.heard(Heard(op, question, key_id=key, tag=number, path=asked.method))

    def _subscribe(self, asked: Asked, key: str, at: Stamp) -> None:
        channel = asked.params["channel"]
        if channel in self._sequences:
            self._reply(asked, at, error="Already subscribed")
            return
        self._token, self._key, self._sequences[channel] = asked.params["token"], key, 0
        terms: dict[str, Any] = {"snapshot": True} if channel == BALANCES else TERMS
        self._reply(asked, at, result={"channel": channel, **terms})
        self._ear.join(Topic(TOPICS[channel], "", key))

    def _unsubscribe(self, asked: Asked, key: str, at: Stamp) -> None:
        channel = asked.params["channel"]
        is_there = self._sequences.pop(channel, None) is not None
        self._ear.leave(Topic(TOPICS[channel], "", key))
        self._reply(asked, at, error="" if is_there else "Subscription Not Found", result={"channel": channel})

    # ---- what is answered

    def say(self, heard: Heard, outcome: Any, at: Stamp) -> None:
        """Of several cancellations each has a reply of its own."""
        asked = Asked(heard.path, req_id=int(heard.tag) if heard.tag else None)
        if isinstance(outcome, Fault):
            self._reply(asked, at, error=worded(outcome, heard.asked, self._manners.texts))
        elif heard.path == "cancel_order" and heard.op is Op.CANCEL_MANY:
            for one, told in zip(heard.asked.orders, outcome, strict=True):
                error = worded(told, one, self._manners.texts) if isinstance(told, Fault) else ""
                self._reply(asked, at, error=error, result=_named(one))
        else:
            self._reply(asked, at, result=self._result(heard, outcome, at))

    def _result(self, heard: Heard, outcome: Any, at: Stamp) -> Any:
        match heard.op:
            case Op.PLACE:
                return _placed(outcome)
            case Op.PLACE_MANY:
                rows = [{"cl_ord_id": asked.client_id, "success": False,
                         "error": worded(one, asked, self._manners.texts)} if isinstance(one, Fault)
                        else {**_placed(one), "success": True}
                        for asked, one in zip(heard.asked.orders, outcome, strict=True)]  # fmt: skip
                return rows if self._manners.lists_batch else {"orders": rows}
            case Op.AMEND:
                return {"amend_id": "T" + outcome.order_id[1:], **_named(heard.asked)}
            case Op.CANCEL:
                return _named(heard.asked)
            case Op.DEAD_MAN:
                return engine.timer_told(outcome, at, self._manners)
        return {"count": sum(not isinstance(one, Fault) for one in outcome)}

    # ---- what is told

    def tell(self, topic: Topic, event: Any, at: Stamp) -> None:
        if topic.kind == "balances":
            self._tell_balances(event, at)
        elif isinstance(event, Execution):
            for item in self._items(event):
                self._frame(EXECUTIONS, UPDATE, [item], at)
        else:
            self._known = {one.order_id for one in event}
            self._frame(EXECUTIONS, SNAPSHOT, [self._whole(one, "status") for one in event], at)

    def _items(self, told: Execution) -> Iterable[dict[str, Any]]:
        """What was never told of is told as pending first. A trade fills in part; what is filled, is told after."""
        report, is_new = told.report, told.report.order_id not in self._known
        self._known.add(report.order_id)
        if is_new:
            yield self._whole(report, "pending_new") | {"order_status": "pending_new"}
        if told.what == "accepted":
            yield _partial(report, "new") | _client(report)
        elif told.what == "triggered":
            yield _partial(report, "status") | {"triggers": self._triggers(report) | {"status": "triggered"}}
        elif told.what == "amended":
            yield self._whole(report, "amended") | {"amended": True}
        elif told.fill is not None:
            yield self._trade(told.fill, report) | self._counts(report) | {"order_status": "partially_filled"}
        if report.status.is_final:
            reason = self._manners.rest if report.reason in ("ioc", "fok", "liquidity") else report.reason
            why = {"reason": REASONS.get(reason, reason)} if reason else {}
            yield _partial(report, STATUS[report.status]) | self._counts(report) | why
            self._known.discard(report.order_id)

    def _whole(self, told: OrderReport, exec_type: str) -> dict[str, Any]:
        numbers = {"order_qty": told.qty, "cash_order_qty": told.quote_qty, "limit_price": told.price}
        sizes: dict[str, Any] = {name: self._bare(value) for name, value in numbers.items() if value is not None}
        sizes |= {"triggers": self._triggers(told)} if told.trigger is not None else {}
        return {
            "order_id": told.order_id, "order_userref": 0, **_client(told), "symbol": self._symbol(told.symbol),
            **sizes, **self._counts(told), "time_in_force": str(told.tif or Tif.GTC), "exec_type": exec_type,
            "side": told.side, "order_type": TYPES[told.type or OrderType.LIMIT], "limit_price_type": "static",
            "order_status": STATUS[told.status], "post_only": bool(told.post_only), "fee_ccy_pref": "fciq",
            "timestamp": rfc3339(told.venue_ns),
        }  # fmt: skip

    def _trade(self, fill: Fill, told: OrderReport) -> dict[str, Any]:
        cost = numbers.EXACT.multiply(fill.price, fill.qty)
        return {
            "order_id": fill.order_id, "exec_id": fill.id, "exec_type": "trade", "trade_id": trade_number(fill.id),
            "symbol": self._symbol(fill.symbol), "side": fill.side, "last_qty": self._bare(fill.qty),
            "last_price": self._bare(fill.price), "liquidity_ind": "m" if fill.maker else "t",
            "cost": self._bare(cost), "order_type": TYPES[told.type or OrderType.LIMIT],
            "timestamp": rfc3339(fill.venue_ns),
            "fees": [{"asset": fill.fee_asset, "qty": self._bare(fill.fee)}] if fill.fee is not None else [],
        }  # fmt: skip

    def _triggers(self, told: OrderReport) -> dict[str, Any]:
        return {"reference": "last", "price": self._bare(told.trigger), "price_type": "static"}

    def _counts(self, told: OrderReport) -> dict[str, Any]:
        counted = {"cum_qty": told.filled, "cum_cost": told.cost, "avg_price": told.average}
        return {name: self._bare(value) for name, value in counted.items()} | {"fee_usd_equiv": 0}

    def _symbol(self, symbol: str) -> str:
        return self._ctx.catalog.theirs(symbol).names["ws"]

    def _tell_balances(self, told: Iterable[Balance], at: Stamp) -> None:
        """The whole first; then what was booked: an order that only holds an amount moves nothing."""
        if not self._sequences.get(BALANCES):
            self._totals = {one.asset: one.total for one in told}
            held = [(asset, {"balance": self._bare(total)}) for asset, total in self._totals.items()]
            self._frame(BALANCES, SNAPSHOT, [{"asset": asset, "asset_class": "currency", **sum, "wallets": [
                {"type": "spot", "id": "main", **sum}]} for asset, sum in held], at)  # fmt: skip
            return
        for one in told:
            moved = numbers.EXACT.subtract(one.total, self._totals.get(one.asset, Decimal(0)))
            self._totals[one.asset] = one.total
            if moved:
                number = self._sequences[BALANCES]
                self._frame(BALANCES, UPDATE, [{
                    "ledger_id": named("L", number), "ref_id": named("T", number),
                    "timestamp": rfc3339(at.venue_ms * MS), "type": "trade", "asset": one.asset,
                    "asset_class": "currency", "category": "trade", "wallet_type": "spot", "wallet_id": "main",
                    "amount": self._bare(moved), "fee": 0, "balance": self._bare(one.total),
                }], at)  # fmt: skip

    def tick(self, at: Stamp) -> None:
        self._beat(bool(self._sequences), at)

    # ---- words

    def _bare(self, number: Decimal | None) -> Raw:
        text = padded(number, 1)
        return Raw((text if self._manners.pads else text.rstrip("0").rstrip(".") or "0").encode())

    def _frame(self, channel: str, kind: str, items: list[dict[str, Any]], at: Stamp) -> None:
        self._sequences[channel] = self._sequences.get(channel, 0) + 1
        self._say({"channel": channel, "type": kind, "data": items, "sequence": self._sequences[channel]}, at)

    def __repr__(self) -> str:
        return f"<Kraken private hearing of {', '.join(self._sequences) or 'nothing'}>"


def _partial(told: OrderReport, exec_type: str) -> dict[str, Any]:
    return {"timestamp": rfc3339(told.venue_ns), "order_status": STATUS[told.status], "exec_type": exec_type,
            "order_id": told.order_id}  # fmt: skip


def _placed(told: Receipt) -> dict[str, Any]:
    return {"order_id": told.order_id, "order_userref": 0, **_client(told)}


def _named(asked: Any) -> dict[str, str]:
    return {"order_id": asked.order_id} if asked.order_id else _client(asked)


def _client(told: Any) -> dict[str, str]:
    return {"cl_ord_id": told.client_id} if told.client_id else {}

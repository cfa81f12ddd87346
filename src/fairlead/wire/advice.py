"""What to do about each kind of refusal, in a sentence; it knows no venue's codes."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.wire.faults import Kind

ADVICE: Mapping[Kind, str] = {
    Kind.SIGNATURE: "The signature is wrong: check the secret, and that the key is of this environment.",
    Kind.KEY: "The venue does not know this key: check it, its environment, and whether it was removed or has expired.",
    Kind.PERMISSION: "The key may not do this: give it that right at the venue, or use another key.",
    Kind.ADDRESS: "The key is bound to other addresses: add this machine's at the venue.",
    Kind.REGION: "The venue does not serve this region from this address: another of its environments may.",
    Kind.CLOCK: "This machine's clock differs from the venue's: set it, or measure the difference again.",
    Kind.NONCE: "The number must rise with each request of a key: do not share the key between programs.",
    Kind.LIMIT: "Too many requests: wait as long as it says, and send less.",
    Kind.BAN: "The venue banned this address or key for a while: send nothing until it is over.",
    Kind.FUNDS: "The account does not hold enough for this.",
    Kind.INVALID: "The request is not right: compare it with the instrument's steps and the venue's document.",
    Kind.SYMBOL: "The venue does not know this instrument, or lists it no longer: read its list anew.",
    Kind.DUPLICATE: "The venue has this already: ask what became of it, do not send it again.",
    Kind.NOT_FOUND: "The venue does not find it; its reads may trail: ask again before you conclude.",
    Kind.MARKET_STATE: "This market does not take that now: look at its status.",
    Kind.MAINTENANCE: "The venue is being maintained: wait.",
    Kind.SERVER: "The venue had trouble of its own: ask again later; of an order, ask what became of it first.",
    Kind.TOKEN: "The session or token is over: get a new one.",
    Kind.POST_ONLY: "The order would have traded at once: move its price, or let it take.",
    Kind.RISK: "Leverage, margin or position limits forbid it.",
    Kind.ACCOUNT: "The account is frozen, in another mode, or may not do this: look at it at the venue.",
    Kind.BLOCKED: "A firewall or proxy in front of the venue answered: look at the address and the way to it.",
    Kind.GONE: "The venue retired this: Fairlead is too old for it.",
    Kind.UNKNOWN_CODE: "Nobody has met this code yet: report it with `fairlead wire fault`.",
}

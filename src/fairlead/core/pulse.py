"""Whether one subscription still lives: silence and lateness against what it taught us; it never touches the line.

Silence is judged against the worst natural gap of the last minutes, lateness against the lag that is normal here. What
to do about it climbs a ladder: renew this one channel, then ask for a new connection, then be patient, twice as long
each time. A gap that ended because we renewed teaches nothing; a market that stays quiet after a renewal is given
twice the silence, so that it is not renewed for ever.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from fairlead.model.market import State

MS = 1_000_000
SECOND_NS = 1_000 * MS


class Advice(StrEnum):
    NONE = "none"
    RENEW = "renew this channel"
    RECONNECT = "open a new connection"


class Verdict(Struct, frozen=True, gc=False):
    state: State
    why: str = ""  # silent or late
    by_ms: float = 0.0  # beyond what is allowed


FINE = Verdict(State.LIVE)


class Patience(Struct, frozen=True):
    """The limits of a pulse."""

    least_ms: int = 1_000  # no shorter silence is ever suspicious
    unlearned_ms: int = 30_000  # allowed before there is anything to go by
    most_ms: int = 600_000  # no longer silence is ever allowed, and no pause between two advices is longer
    times: int = 3  # as many times the worst natural gap is silence
    gaps: int = 20  # learned from as many gaps at the least ...
    learn_ms: int = 10_000  # ... over as long at the least: a burst is not a cadence
    epoch_ms: int = 300_000  # the worst gap is that of this epoch and the one before ...
    epoch_gaps: int = 32  # ... which lasts until it has seen as many
    sure_ms: int = 500  # trouble must last this long before anything is advised: our own loop may have stalled
    grace_ms: int = 3_000  # what a renewal may take at the least before the next step
    flow: int = 16  # events after a renewal that prove that the channel flows, and did not only begin again
    calm_ms: int = 10_000  # health for so long after an advice had its time starts the ladder anew
    late_ms: float = 1_000.0  # above the normal lag: late
    late_most_ms: float = 5_000.0  # late whatever is normal


SAMPLE_NS = 100 * MS  # lags are looked at this often: a burst is one look, and three late looks are late
LOOKS = 5
LEARN_NS = SECOND_NS  # how often the normal lag may move
LAG_DOWN = 1 / 4  # how much of the way: gladly to less, ...
LAG_UP = 1 / 64  # ... slowly to more: our idea of the venue's clock may have stepped, and is no lateness


class Pulse:
    """Of one topic. `beat` is on the hot path; `judge` and `advice` are asked a few times a second."""

    def __init__(self, promised_ms: int = 0, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        most_ns = self._patience.most_ms * MS
        # What the venue promises may itself be a little late.
        self._cap_ns = min(most_ns, promised_ms * 3 // 2 * MS + SECOND_NS) if promised_ms else most_ns
        self._unlearned_ns = min(self._cap_ns, self._patience.unlearned_ms * MS)
        # Silence. Beats are counted, so that "since then" costs the hot path nothing.
        self._beats = self._begin_beat = 0
        self._last_ns = self._first_ns = 0  # 0: not begun
        self._worst_ns = self._worst_before_ns = 0
        self._epoch_ns = self._epoch_beat = 0
        # Lateness.
        self._looks: list[float] = []
        self._look_ns = self._learn_ns = 0
        self._normal_ms: float | None = None
        # The ladder: since when it is sick, the last advice, when the next is due, and what proves flow after it.
        self._sick_ns = self._acted_ns = self._due_ns = 0
        self._acted_beat = self._flow_beat = 0
        self._rung = 0
        self._doublings = 0  # how often a renewal showed nothing but a quiet market

    def begin(self, mono_ns: int) -> None:
        """A new beginning (joined, or joined anew): silence counts from here; what was learned stays."""
        self._last_ns = mono_ns
        self._first_ns = self._first_ns or mono_ns
        self._begin_beat = self._beats
        self._looks.clear()

    def beat(self, mono_ns: int, lag_ms: float = 0.0) -> None:
        """An event came; `lag_ms` is its lateness (0 where the venue sends no time)."""
        gap_ns = mono_ns - self._last_ns
        self._last_ns = mono_ns
        self._beats += 1
        if gap_ns > self._worst_ns:
            self._lesson(gap_ns, mono_ns)
        if mono_ns >= self._look_ns:
            self._look(lag_ms, mono_ns)

    def quiet(self, mono_ns: int) -> None:
        """It was proven that nothing was missed (a renewed book equals ours): the market itself is quiet."""
        self._double()
        self._flow_beat = self._beats + self._patience.flow
        self._last_ns = mono_ns
        self._rung = self._acted_ns = self._sick_ns = 0

    def judge(self, mono_ns: int) -> Verdict:
        self._turn(mono_ns)
        silence_ns = mono_ns - self._last_ns if self._last_ns else 0
        allowed_ns = self.allowed_ns if silence_ns > self._patience.least_ms * MS else silence_ns
        if silence_ns > allowed_ns and self._acted_beat < self._beats < self._flow_beat:
            self._double()  # the renewal brought its beginning and nothing more: a quiet market, so far
            allowed_ns = self.allowed_ns
        over_ms = self._lag_ms() - self._late_above_ms()
        if silence_ns > allowed_ns:
            verdict = Verdict(State.STALE, "silent", (silence_ns - allowed_ns) / MS)
        elif over_ms > 0.0:
            verdict = Verdict(State.STALE, "late", over_ms)
        else:
            verdict = FINE
        self._sick_ns = 0 if verdict is FINE else self._sick_ns or mono_ns
        return verdict

    def advice(self, mono_ns: int) -> Advice:
        """What to do now; each advice is given once, the next when this one had its time and did not help."""
        if self.judge(mono_ns) is FINE:
            return Advice.NONE
        if mono_ns < max(self._due_ns, self._sick_ns + self._patience.sure_ms * MS):
            return Advice.NONE
        step = Advice.RECONNECT if self._rung == 1 else Advice.RENEW
        self._due_ns = mono_ns + min(self._grace_ns() << min(self._rung, 30), self._patience.most_ms * MS)
        self._acted_ns, self._acted_beat = mono_ns, self._beats
        self._flow_beat = self._beats + self._patience.flow
        self._rung += 1
        return step

    @property
    def allowed_ns(self) -> int:
        """How long this channel may be silent now."""
        return min(self._base_ns() << min(self._doublings, 30), self._patience.most_ms * MS)

    def _base_ns(self) -> int:
        worst_ns = max(self._worst_ns, self._worst_before_ns)
        if self._beats < self._patience.gaps or self._last_ns - self._first_ns < self._patience.learn_ms * MS:
            return max(self._unlearned_ns, worst_ns)
        return max(self._patience.least_ms * MS, min(self._cap_ns, self._patience.times * worst_ns), worst_ns)

    def _lesson(self, gap_ns: int, mono_ns: int) -> None:
        """A gap worse than any before, or the one that ended a silence."""
        if self._beats == self._begin_beat + 1:  # the wait for a beginning is no gap between events
            self._first_ns = self._first_ns or mono_ns
            return
        base_ns = self._base_ns()
        helped = gap_ns > base_ns and self._acted_ns and mono_ns - self._acted_ns <= self._grace_ns()
        if not helped:
            # One gap triples what is allowed at the most: half an hour asleep is not a cadence.
            self._worst_ns = min(gap_ns, base_ns)

    def _look(self, lag_ms: float, mono_ns: int) -> None:
        self._look_ns = mono_ns + SAMPLE_NS
        self._looks.append(lag_ms)
        if len(self._looks) > LOOKS:
            del self._looks[0]

    def _turn(self, mono_ns: int) -> None:
        """What changes with time: the epoch of the worst gap, the normal lag, and trust in a channel that flows."""
        epoch_ms = (mono_ns - (self._epoch_ns or self._first_ns)) / MS
        if epoch_ms >= self._patience.epoch_ms and self._beats - self._epoch_beat >= self._patience.epoch_gaps:
            self._worst_before_ns, self._worst_ns = self._worst_ns, 0
            self._epoch_ns, self._epoch_beat = mono_ns, self._beats
        flows = not self._sick_ns and self._beats >= self._flow_beat
        if flows and mono_ns >= self._due_ns + self._patience.calm_ms * MS:
            self._rung = self._doublings = 0
        if mono_ns >= self._learn_ns and len(self._looks) == LOOKS:
            self._learn_ns = mono_ns + LEARN_NS
            self._learn_lag()

    def _learn_lag(self) -> None:
        lag_ms = min(self._lag_ms(), self._patience.late_most_ms)
        if self._normal_ms is None:
            self._normal_ms = lag_ms
        else:
            self._normal_ms += (lag_ms - self._normal_ms) * (LAG_DOWN if lag_ms < self._normal_ms else LAG_UP)

    def _lag_ms(self) -> float:
        """The present lag: the middle one of the last looks."""
        return sorted(self._looks)[LOOKS // 2] if len(self._looks) == LOOKS else 0.0

    def _late_above_ms(self) -> float:
        normal_ms = max(0.0, self._normal_ms or 0.0)  # what comes before it was sent says only that clocks disagree
        return min(normal_ms + self._patience.late_ms, self._patience.late_most_ms)

    def _grace_ns(self) -> int:
        """What a renewal is given to show itself."""
        return max(self._patience.grace_ms * MS, min(self._base_ns(), self._unlearned_ns))

    def _double(self) -> None:
        self._doublings += 1
        self._acted_beat = self._beats

    def __repr__(self) -> str:
        normal = "unknown" if self._normal_ms is None else f"{self._normal_ms:.0f} ms"
        return (
            f"<Pulse {self._beats} beats, may be silent for {self.allowed_ns / MS:.0f} ms, normal lag {normal}, "
            f"{'sick' if self._sick_ns else 'well'}, step {self._rung}>"
        )

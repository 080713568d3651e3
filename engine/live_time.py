"""Time in a stream that has no beginning and no end.

`Timeline` gives all packets of a source times from 0 on that only grow, over lost connections and clocks that are set anew.
`CaptureClock` says when a picture was taken on this machine's clock, which is what a delay is counted from. Seconds throughout.
"""

import math
from fractions import Fraction

import av

STEP = Fraction(1, 25)  # between the last packet before a break and the first one after it
MILLISECOND = Fraction(1, 1000)  # as exact as the times of a recording are
BACK, JUMP = 1, 10  # seconds before or after the packet before it: then the camera's clock was set anew
WINDOW = 30.0  # the shortest delay of between one and two windows counts, as clocks drift apart


class Timeline:
    """The times of one source's packets."""

    def __init__(self) -> None:
        self.sent = 0.0  # when the latest packet was sent
        self._began: float | None = None
        self._timed = True
        self._shift: int | None = None  # ticks from the stream's own times to these
        self._last = -STEP

    def begin(self, now: float, timed: bool = True) -> None:
        """A connection was made at `now`, on time.monotonic(). Unless its packets are `timed`, they are sent when they come."""
        self._timed = timed
        self._began = now if self._began is None else self._began
        self._shift = None

    def place(self, packet: av.Packet, arrived: float) -> None:
        """Rewrite the times of the next packet, which came at `arrived`."""
        assert self._began is not None, "begin() comes first"
        elapsed = Fraction(arrived - self._began).limit_denominator(1_000_000)
        own = packet.dts if packet.dts is not None else packet.pts
        if own is None or not self._timed:
            packet.time_base = MILLISECOND
            packet.pts = packet.dts = math.floor(max(elapsed, self._last + MILLISECOND) / MILLISECOND)
        else:
            base = packet.time_base
            if self._shift is None or not -BACK < (own + self._shift) * base - self._last < JUMP:
                start = max(elapsed, self._last + STEP) if self._last >= 0 else Fraction(0)
                self._shift = math.ceil(start / base) - own
            after = math.floor(self._last / base) + 1
            # Without a decoding time all that is known is that it is decoded after the one before.
            order = after if packet.dts is None and self._last >= 0 else max(own + self._shift, after)
            packet.pts = max((own if packet.pts is None else packet.pts) + self._shift, order)
            packet.dts = order
        self._last = packet.dts * packet.time_base
        self.sent = float(self._last)


class CaptureClock:
    """Turns times of a stream into this machine's: every packet took as long to come as the fastest one lately, or longer."""

    def __init__(self) -> None:
        self._shortest = self._newer = math.inf  # of the window before and this one; of this one
        self._until = -math.inf

    def captured(self, sent: float, arrived: float) -> float:
        """When the packet of `sent` (stream time) was sent, given when it arrived; never later than that."""
        if arrived > self._until:
            self._shortest, self._newer = self._newer, math.inf
            self._until = arrived + WINDOW
        self._newer = min(self._newer, arrived - sent)
        self._shortest = min(self._shortest, self._newer)
        return sent + self._shortest

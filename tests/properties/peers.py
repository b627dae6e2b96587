"""Two well-behaved TCP ends over a path that loses, delays and doubles, small enough for Hypothesis to shrink: a conversation from a plan.

Leaves to others: how the segments become frames (wires.py) and what tcphs must say about them (test_properties.py). The ends follow
RFC 9293 (acceptability, retransmission, zero-window probes, both ways to open and close) and know nothing of tcphs.
"""
import collections
import heapq

MSS = 1000
ROUND_TRIP_HALF = 10_000        # microseconds from one end to the other
FIRST_TIMEOUT = 200_000
TRIES = 5
MOST_SEGMENTS = 60
CLIENT, SERVER = 0, 1

Segment = collections.namedtuple("Segment", "time sender flags seq ack length window scale ident ttl")
# seq and ack count from the sender's and the receiver's initial sequence number; window in bytes; scale is None where neither end scales;
# time in microseconds from the first action.
Plan = collections.namedtuple("Plan", "opening place scale room steps fates closing")
# steps: (wait, end, kind, amount); fates: what the path does with the n-th segment that is sent; place: where between the ends we listen.
KINDS = ("send", "stall", "read", "probe", "shut", "abort")
FATES = ("good", "lost early", "lost late", "slow", "doubled early", "doubled late")


class End:
    """One end of a connection: its send and receive variables, its timers and its application."""

    def __init__(self, talk, me, room):
        self.talk, self.me, self.room = talk, me, room
        self.una, self.nxt, self.rcv = 0, 0, None            # rcv: next number expected, None before the peer's SYN
        self.wanted, self.fin_at, self.peer_fin = 1, None, None      # wanted: up to where the application has written
        self.peer_edge, self.unread, self.stalled, self.gone = 0, 0, False, False
        self.held, self.timer, self.tries = {}, 0, 0
        self.active, self.synchronised = False, False

    def window(self):
        return max(0, self.room - self.unread)

    def emit(self, flags, seq, length=0):
        ack = self.rcv if "A" in flags else 0
        self.talk.put(self.me, flags, seq, ack, length, self.window())

    def arm(self, backoff=False):
        self.tries = self.tries + 1 if backoff else 0
        self.timer += 1
        self.talk.after(FIRST_TIMEOUT << min(self.tries, 6), "timeout", self.me, self.timer)

    def open(self):
        self.active = True
        self.nxt = 1
        self.emit("S", 0)
        self.arm()

    def close(self):
        if self.fin_at is None:
            self.fin_at = self.wanted
            self.push()

    def end_of_sending(self):
        return self.wanted + (self.fin_at is not None)

    def emit_from(self, seq, limit):
        """The segment that begins at seq, at most to limit; the FIN goes with the last byte. Returns where it ends."""
        stop = min(seq + MSS, self.wanted, limit)
        fin = self.fin_at is not None and stop == self.fin_at and self.fin_at < limit
        length = stop - seq if stop > seq else 0
        if length or fin:
            self.emit("FA" if fin else "PA" if stop == self.wanted else "A", seq, length)
        return seq + length + fin

    def push(self):
        """Sends what the peer's window allows."""
        if not self.synchronised or self.gone:
            return
        idle = self.una == self.nxt
        while self.nxt < self.end_of_sending():
            after = self.emit_from(self.nxt, max(self.peer_edge, self.nxt))
            if after == self.nxt:
                break
            self.nxt = after
        if idle and (self.una < self.nxt or self.nxt < self.end_of_sending()):
            self.arm()

    def timeout(self, stamp):
        if stamp != self.timer or self.gone or self.tries >= TRIES:
            return
        if self.una < self.nxt:
            if self.una == 0:
                self.emit("S" if self.rcv is None else "SA", 0)
            else:
                self.emit_from(self.una, self.nxt)
            self.arm(backoff=True)
        elif self.synchronised and self.nxt < self.end_of_sending():    # the window is shut: one byte tries it
            self.nxt = self.emit_from(self.nxt, self.nxt + 1)
            self.arm(backoff=True)

    def probe(self):
        """A keep-alive: one number back, no data."""
        if self.synchronised and self.una == self.nxt and self.una > 1 and not self.gone:
            self.emit("A", self.nxt - 1)

    def abort(self):
        if self.synchronised and not self.gone:
            self.emit("RA", self.nxt)
            self.gone = True

    def read(self):
        was_shut = self.window() < MSS
        self.stalled, self.unread = False, 0
        if was_shut and self.synchronised and not self.gone:
            self.emit("A", self.nxt)

    def hear(self, s):
        if self.gone:
            if "R" not in s.flags:
                self.emit("R", s.ack)       # no such connection (RFC 9293 3.10.7.1)
        elif "R" in s.flags:
            self.gone = True
        elif self.rcv is None:
            self.hear_first(s)
        else:
            self.hear_more(s)

    def hear_first(self, s):
        if "S" not in s.flags or ("A" in s.flags and s.ack != 1):
            return
        self.rcv, self.peer_edge = 1, s.ack + s.window if "A" in s.flags else 1 + s.window
        if "A" in s.flags:
            self.una, self.synchronised = 1, True
            self.emit("A", 1)
            self.push()
        else:
            self.nxt = 1
            self.emit("SA", 0)
            self.arm()

    def hear_more(self, s):
        if "S" in s.flags:
            if "A" in s.flags and s.ack == 1 and self.una == 0:     # simultaneous open: its SYN is known, this acknowledges ours
                self.take_ack(s)
            elif not self.synchronised:
                self.emit("SA", 0)
            if self.synchronised:
                self.emit("A", self.nxt)
            return
        space = s.length + ("F" in s.flags)
        useful = s.seq <= self.rcv + self.window() and s.seq + space >= self.rcv and (space == 0 or s.seq + space > self.rcv)
        if useful and s.ack <= self.nxt:
            self.take_ack(s)
            self.take_data(s)
        if space or not useful or s.ack > self.nxt or s.seq < self.rcv:
            self.emit("A", self.nxt)
        self.push()

    def take_ack(self, s):
        if s.ack > self.una:
            self.una, self.synchronised = s.ack, True
            self.timer += 1
            if self.una < self.nxt or self.nxt < self.end_of_sending():
                self.arm()
        self.peer_edge = max(self.peer_edge, s.ack + s.window)

    def take_data(self, s):
        end = min(s.seq + s.length, self.rcv + self.window())
        if "F" in s.flags and end == s.seq + s.length:
            self.peer_fin = end
        if s.length:
            self.held[s.seq] = max(end, self.held.get(s.seq, 0))
        for seq in sorted(self.held):
            if seq <= self.rcv < self.held[seq]:
                self.unread += (self.held[seq] - self.rcv) if self.stalled else 0
                self.rcv = self.held[seq]
        self.held = {q: e for q, e in self.held.items() if e > self.rcv}
        if self.peer_fin == self.rcv:
            self.rcv += 1


class Talk:
    """Runs a plan and keeps what a capture at the plan's place sees."""

    def __init__(self, plan):
        self.plan, self.now, self.events, self.order = plan, 0, [], 0
        self.seen, self.sent, self.ident = [], 0, [100, 5000]
        self.ends = [End(self, me, plan.room) for me in (CLIENT, SERVER)]

    def after(self, wait, kind, *what):
        self.order += 1
        heapq.heappush(self.events, (self.now + wait, self.order, kind, what))

    def put(self, sender, flags, seq, ack, length, window):
        if self.sent >= MOST_SEGMENTS:
            return
        fate = self.plan.fates[self.sent] if self.sent < len(self.plan.fates) else "good"
        self.sent += 1
        self.ident[sender] += 1
        whole = Segment(self.now, sender, flags, seq, ack, length, window, self.plan.scale, self.ident[sender], 64 - self.plan.place)
        way = ROUND_TRIP_HALF * (4 if fate == "slow" else 1)
        part = self.plan.place / 2 if sender == CLIENT else 1 - self.plan.place / 2
        if fate != "lost early":
            for _ in range(2 if fate == "doubled early" else 1):
                self.after(int(way * part), "seen", whole)
        if not fate.startswith("lost"):
            for turn in range(2 if fate.startswith("doubled") else 1):
                self.after(way + 500 * turn, "heard", 1 - sender, whole)

    def happen(self, kind, what):
        if kind == "seen":
            self.seen.append(what[0]._replace(time=self.now))
        elif kind == "heard":
            self.ends[what[0]].hear(what[1])
        elif kind == "timeout":
            self.ends[what[0]].timeout(what[1])
        else:
            self.act(*what)

    def act(self, end, kind, amount):
        end = self.ends[end]
        if kind == "send" and end.fin_at is None:
            end.wanted += amount
            end.push()
        elif kind == "stall":
            end.stalled = True
        elif kind == "shut":
            end.close()
        elif kind in ("read", "probe", "abort"):
            getattr(end, kind)()

    def run(self):
        self.ends[CLIENT].open()
        if self.plan.opening == "simultaneous":
            self.ends[SERVER].open()
        when = 0
        for wait, end, kind, amount in [*self.plan.steps, *((0, end, "shut", 0) for end in self.plan.closing)]:
            when += wait
            self.after(when, "act", end, kind, amount)
        while self.events:
            self.now, _, kind, what = heapq.heappop(self.events)
            self.happen(kind, what)
        return self.seen


def converse(plan):
    return Talk(plan).run()

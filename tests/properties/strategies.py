"""What Hypothesis draws: plans of healthy conversations, and conversations into which somebody forges, spoils and loses segments.

Leaves to others: running a plan (peers.py). A batch is a fixed number of conversations, any of which may be none, so that one run of tshark
judges dozens and a counterexample still shrinks to the one conversation that matters.
"""
import collections

from hypothesis import strategies as st

from peers import KINDS, FATES, Plan, converse

BATCH = 40
Spoil = collections.namedtuple("Spoil", "manner at base flags seq ack length ttl wait")
# One thing done to a conversation at about its at-th segment, its numbers off by seq and ack from those of the base-th.
STRANGE_FLAGS = ("A", "R", "RA", "FA", "S", "SA", "PA", "F", "", "FPU", "SF", "SR", "P", "UA", "RF")
OFF = (0, 1, -1, 500, -500, 3000, -3000, 70_000, -70_000, 2_000_000, -2_000_000, 2**31)

waits = st.sampled_from((5_000, 20_000, 100_000, 1_000_000, 20_000_000))
ends = st.integers(0, 1)
healthy_kinds = st.sampled_from(("send", "send", "send", "stall", "read", "probe", "shut"))
amounts = st.sampled_from((1, 700, 2500, 6000))


def plans(kinds):
    return st.builds(
        Plan, opening=st.sampled_from(("plain", "plain", "plain", "simultaneous")), place=st.integers(0, 2), scale=st.sampled_from((None, 0, 7)),
        room=st.sampled_from((65535, 8192, 3000)), steps=st.lists(st.tuples(waits, ends, kinds, amounts), max_size=5),
        fates=st.lists(st.sampled_from(("good",) * 4 + FATES[1:]), max_size=14),
        closing=st.sampled_from(((), (0,), (0, 1), (1, 0), (1,))))


healthy_plans = plans(healthy_kinds)
any_plans = plans(st.sampled_from(KINDS))
spoils = st.builds(Spoil, manner=st.sampled_from(("forge", "spoil", "lose", "swap")), at=st.integers(0, 30), base=st.integers(0, 5),
                   flags=st.sampled_from(STRANGE_FLAGS), seq=st.sampled_from(OFF), ack=st.sampled_from(OFF), length=st.sampled_from((0, 0, 10, 900)),
                   ttl=st.sampled_from((0, 0, -20)), wait=st.sampled_from((100, 3_000, 60_000)))


def spoiled(conversation, spoil):
    """The conversation after one such deed."""
    if not conversation:
        return conversation
    out, at = list(conversation), spoil.at % len(conversation)
    if spoil.manner == "lose":
        del out[at]
    elif spoil.manner == "swap" and at + 1 < len(out):
        out[at], out[at + 1] = out[at + 1]._replace(time=out[at].time), out[at]._replace(time=out[at + 1].time)
    elif spoil.manner == "spoil":
        out[at] = out[at]._replace(ack=out[at].ack + spoil.ack if "A" in out[at].flags else 0, seq=out[at].seq + spoil.seq)
    elif spoil.manner == "forge":
        model = conversation[max(0, at - spoil.base)]
        out.insert(at + 1, model._replace(time=out[at].time + spoil.wait, flags=spoil.flags, seq=model.seq + model.length + spoil.seq,
                                          ack=model.ack + spoil.ack if "A" in spoil.flags else 0, length=spoil.length, ttl=model.ttl + spoil.ttl,
                                          ident=model.ident + 30_000))
    return sorted(out, key=lambda s: s.time)


@st.composite
def often(draw, strategy):
    """Nothing now and then: what shrinking makes of the conversations that do not matter."""
    return draw(strategy) if draw(st.integers(0, 15)) else None


@st.composite
def healthy_batches(draw):
    drawn = draw(st.lists(often(healthy_plans), min_size=BATCH, max_size=BATCH))
    return [converse(plan) for plan in drawn if plan is not None]


@st.composite
def any_batches(draw, size=BATCH):
    one = st.tuples(any_plans, st.lists(spoils, max_size=3))
    out = []
    for plan, deeds in (d for d in draw(st.lists(often(one), min_size=size, max_size=size)) if d is not None):
        conversation = converse(plan)
        for deed in deeds:
            conversation = spoiled(conversation, deed)
        out.append(conversation)
    return out

"""Memory over a long life: a thousand captures opened and closed in one sharkd, with tcphs and without.

Leaves to others: which allocation a leak would come from (test_memcheck.py).
"""
import harness

OPENED, WARM = 1000, 300
ALLOWED = 2 << 20  # bytes more than the host without tcphs: less than 3 KB a capture, noise of the allocator


def growth(host, display_filter):
    """How much larger sharkd is after OPENED captures than after the first WARM ones; they come round again and again."""
    captures, sizes = [host.place(p) for p in sorted(harness.SAMPLES.glob("*.pcap"))], {}
    host.env["WIRESHARK_DATA_DIR"] = "/nonexistent"
    with harness.Sharkd(host) as sharkd:
        for i in range(OPENED):
            sharkd.load(captures[i % len(captures)])
            assert sharkd.ask("frames", filter=display_filter)
            if i in (WARM, OPENED - 1):
                sizes[i] = harness.resident(sharkd.process.pid)
    del host.env["WIRESHARK_DATA_DIR"]
    return sizes[OPENED - 1] - sizes[WARM]


def test_a_thousand_captures_in_one_sharkd(host, bare_host):
    """The host grows with every capture by itself (measured on 4.0); tcphs must not add to it."""
    ours, theirs = harness.in_parallel(lambda job: growth(*job), [(host, "tcphs.conn.verdict || frame"), (bare_host, "tcp || frame")])
    print(f"{OPENED} captures: grown by {ours} bytes after the first {WARM}, without tcphs by {theirs}")
    assert ours - theirs < ALLOWED

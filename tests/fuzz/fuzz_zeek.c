/* fuzz_zeek.c
 * What holds of Zeek's words whatever the talk: a conn_state that Zeek knows, a history of its letters, streams in
 * order, and the same words when the ends change places and the clock stands elsewhere.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "observer.h"

static void check_bytes(const struct tcphs_zeek_bytes *b)
{
    uint64_t ahead = 0;
    FUZZ_DEMAND(b->count <= b->room);
    for (uint32_t i = 0; i < b->count; i++) {
        FUZZ_DEMAND(b->ahead[i][0] < b->ahead[i][1]);
        FUZZ_DEMAND(b->ahead[i][0] > (i > 0 ? b->ahead[i - 1][1] : b->next));
        ahead += b->ahead[i][1] - b->ahead[i][0];
    }
    FUZZ_DEMAND(ahead == b->ahead_bytes);
}

static bool is_state(const char *state)
{
    static const char *const states[] = { "S0",   "S1",    "S2",     "S3", "SF",  "REJ", "RSTO",
                                          "RSTR", "RSTRH", "RSTOS0", "SH", "SHR", "OTH" };
    for (unsigned i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(state, states[i]) == 0)
            return true;
    return false;
}

static void look(const struct tcphs_zeek *z)
{
    const char *history = tcphs_zeek_history(z);
    check_bytes(&z->end[0].bytes);
    check_bytes(&z->end[1].bytes);
    FUZZ_DEMAND(is_state(tcphs_zeek_state(z)));
    FUZZ_DEMAND(strspn(history, "ShAaDdFfRrCcTtWwGgIiQqsH^") == strlen(history));
    FUZZ_DEMAND(strrchr(history, '^') == strchr(history, '^') || strlen(history) > 2);
    FUZZ_DEMAND(strlen(history) == z->history_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_view as_it_is = { .mirrored = false };
    static const struct fuzz_view other = { .later = INT64_C(5000000000), .mirrored = true };
    static struct fuzz_script script;
    static struct fuzz_zeek_observer a, b;
    fuzz_decode(data, size, &script);
    if (script.count == 0)
        return -1;
    fuzz_observe_zeek(&a, &script, &as_it_is, look);
    fuzz_observe_zeek(&b, &script, &other, look);
    FUZZ_DEMAND(a.count == b.count);
    for (unsigned i = 0; i < a.count; i++) {
        FUZZ_DEMAND(strcmp(tcphs_zeek_state(&a.connection[i]), tcphs_zeek_state(&b.connection[i])) == 0);
        FUZZ_DEMAND(strcmp(tcphs_zeek_history(&a.connection[i]), tcphs_zeek_history(&b.connection[i])) == 0);
    }
    fuzz_forget();
    return 0;
}

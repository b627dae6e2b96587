/* enums.h
 * The enumerations of enums.def as C enums. Value 0 is a hole in all but role and closed_by, so that forgetting to
 * set one shows as "absent" and never as a state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ENUMS_H
#define TCPHS_ENUMS_H

enum tcphs_stage {
    TCPHS_STAGE_NONE = 0,
#define TCPHS_STAGE(number, name, text, meaning) TCPHS_STAGE_##name = number,
#include "enums.def"
};

enum tcphs_state {
    TCPHS_STATE_NONE = 0,
#define TCPHS_STATE(number, name, text, meaning) TCPHS_##name = number,
#include "enums.def"
    TCPHS_STATES
};

enum tcphs_role {
#define TCPHS_ROLE(number, name, text, meaning) TCPHS_ROLE_##name = number,
#include "enums.def"
};

enum tcphs_rst_kind {
    TCPHS_RST_NONE = 0,
#define TCPHS_RST_KIND(number, name, text, meaning) TCPHS_RST_##name = number,
#include "enums.def"
};

enum tcphs_event {
    TCPHS_EVENT_NONE = 0,
#define TCPHS_EVENT(number, name, text, meaning) TCPHS_EVENT_##name = number,
#include "enums.def"
};

enum tcphs_verdict {
    TCPHS_VERDICT_NONE = 0,
#define TCPHS_VERDICT(number, name, text, meaning) TCPHS_VERDICT_##name = number,
#include "enums.def"
    TCPHS_VERDICTS
};

enum tcphs_close {
    TCPHS_CLOSE_UNSET = 0,
#define TCPHS_CLOSE(number, name, text, meaning) TCPHS_CLOSE_##name = number,
#include "enums.def"
    TCPHS_CLOSES
};

enum tcphs_closed_by {
#define TCPHS_CLOSED_BY(number, name, text, meaning) TCPHS_CLOSED_BY_##name = number,
#include "enums.def"
    TCPHS_CLOSED_BYS
};

/** Would the receiver accept the segment (RFC 9293 section 3.10.7)? The third answer is the honest one. */
enum tcphs_accepted { TCPHS_ACCEPT_UNKNOWN = 0, TCPHS_ACCEPT_NO, TCPHS_ACCEPT_YES };

#endif

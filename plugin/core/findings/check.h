/* check.h
 * Asks the predicates of those rows of findings.def for which a segment gives an occasion, and enters what they find.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_CHECK_H
#define TCPHS_CHECK_H

#include "tcp/process.h"

/**
 * Adds to an outcome what is wrong with a segment as the connection stands: findings, backward, back and explanations.
 * What was found before stays, and so does the earlier frame that was accused first.
 */
void tcphs_check_all(const struct tcphs_arrival *a, struct tcphs_outcome *out);

/** The same, each row asked whether there is an occasion for it or not: slow, for tests. */
void tcphs_check_every_row(const struct tcphs_arrival *a, struct tcphs_outcome *out);

/** What the findings of a segment settle: enum tcphs_settlement of all of them. */
unsigned tcphs_settled_by(const struct tcphs_findings *findings);

#endif

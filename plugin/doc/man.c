/* man.c
 * Writes the tables as the page tcphs(7), in man(7) macros that groff and mandoc both take without a warning.
 * The recipes come from the Markdown page, questions and commands only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

/* The code point at *text, which is stepped over; the tables hold valid UTF-8. */
static unsigned next_character(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    unsigned more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : *p >= 0xC0 ? 1 : 0;
    unsigned c = more == 0 ? *p : *p & (0x3Fu >> more);
    for (p++; more > 0 && *p != '\0'; more--, p++)
        c = c << 6 | (*p & 0x3F);
    *text = (const char *)p;
    return c;
}

/* What roff would take for its own: backslash, hyphen (a minus to be copied), quotes and accents. */
static const char *escape_of(unsigned character)
{
    switch (character) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '"':
        return "\\(dq";
    case '\'':
        return "\\(aq";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    case '`':
        return "\\(ga";
    default:
        return NULL;
    }
}

static void put_part(const char *text, const char *end)
{
    while (text < end) {
        const unsigned c = next_character(&text);
        const char *escape = escape_of(c);
        if (escape != NULL)
            fputs(escape, stdout);
        else if (c < 0x80)
            putchar((int)c);
        else
            printf("\\[u%04X]", c);
    }
}

static void put(const char *text)
{
    put_part(text, text + strlen(text));
}

static void put_line(const char *text)
{
    if (*text == '.')
        fputs("\\&", stdout);
    put(text);
    putchar('\n');
}

/* With a space behind each comma, which the host skips, a long list of numbers breaks as text does. */
static void put_list(const char *text)
{
    for (const char *comma; (comma = strchr(text, ',')) != NULL; text = comma + 1) {
        put_part(text, comma + 1);
        putchar(' ');
    }
    put(text);
}

/* A term in bold, then what it means. */
static void put_term(const char *before, const char *term, const char *after)
{
    fputs(".TP\n\\fB", stdout);
    put(before);
    put(term);
    fputs("\\fR", stdout);
    put(after);
    putchar('\n');
}

static void put_fields(int of_connection)
{
    for (const struct tcphs_doc_field *f = tcphs_doc_fields; f->name != NULL; f++)
        if (tcphs_doc_is_of_connection(f->name) == of_connection) {
            put_term("", f->name, "");
            put_line(f->meaning);
        }
}

static void put_heading_of_words(const char *words)
{
    const char *separator = "";
    fputs(".SS ", stdout);
    for (const struct tcphs_doc_field *f = tcphs_doc_fields; f->name != NULL; f++)
        if (f->words != NULL && strcmp(f->words, words) == 0) {
            fputs(separator, stdout);
            put(f->name);
            separator = ", ";
        }
    putchar('\n');
}

static void put_words(void)
{
    const char *open = "";
    char number[16];
    for (const struct tcphs_doc_value *w = tcphs_doc_values; w->words != NULL; w++) {
        if (strcmp(open, w->words) != 0)
            put_heading_of_words(w->words);
        open = w->words;
        snprintf(number, sizeof number, " (%u)", w->number);
        put_term("", w->text, number);
        put_line(w->meaning);
    }
}

static void put_findings(const char *prefix, const struct tcphs_doc_finding *rows)
{
    for (const struct tcphs_doc_finding *f = rows; f->name != NULL; f++) {
        put_term(prefix, f->name, "");
        put(f->summary);
        fputs(" (severity ", stdout);
        for (const char *c = f->severity; *c != '\0'; c++)
            putchar(*c | 0x20);
        fputs("; ", stdout);
        put(f->source);
        fputs(").\n", stdout);
    }
}

static void put_reports(void)
{
    for (const struct tcphs_doc_report *r = tcphs_doc_reports; r->name != NULL; r++) {
        fputs(".SS \\-z tcphs,", stdout);
        put_line(r->name);
        put(r->meaning);
        fputs(".\nIn menus: ", stdout);
        put(r->title);
        fputs(".\n", stdout);
        for (const struct tcphs_doc_column *c = tcphs_doc_columns; c->report != NULL; c++)
            if (strcmp(c->report, r->name) == 0 && c->key != NULL) {
                put_term("", c->key, "");
                put_line(c->meaning);
            }
    }
}

static void put_preferences(void)
{
    for (const struct tcphs_doc_preference *p = tcphs_doc_preferences; p->kind != NULL; p++) {
        put_term("tcphs.", p->name, "");
        put(p->meaning);
        fputs(".\n", stdout);
        if (p->choices != NULL) {
            fputs("One of: ", stdout);
            put(p->choices);
            fputs(".\n", stdout);
        }
        fputs("Default: ", stdout);
        put_list(p->fallback);
        fputs(".\n", stdout);
    }
}

/* The captures of the recipes are not installed: a command is shown for a file of the reader's. */
static void put_command(const char *line)
{
    const char *found;
    while ((found = strstr(line, "sample-captures/")) != NULL) {
        put_part(line, found);
        fputs("FILE", stdout);
        line = found + strcspn(found, " |'\n");
    }
    put_line(line);
}

static int continues(const char *line)
{
    const size_t length = strlen(line);
    return length > 0 && line[length - 1] == '\\';
}

/* Lines that begin with "## " (a group), "### " (a question) and "$ " (a command, with its continuation lines). */
static void put_recipes(FILE *page)
{
    char line[1024];
    int in_command = 0;
    while (fgets(line, sizeof line, page) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (in_command) {
            put_command(line);
        } else if (strncmp(line, "## ", 3) == 0) {
            fputs(".SS ", stdout);
            put_line(line + 3);
        } else if (strncmp(line, "### ", 4) == 0) {
            fputs(".TP\n", stdout);
            put_line(line + 4);
        } else if (strncmp(line, "$ ", 2) == 0) {
            fputs(".EX\n", stdout);
            put_command(line + 2);
        } else {
            continue;
        }
        const int was = in_command;
        in_command = (was || line[0] == '$') && continues(line);
        if ((was || line[0] == '$') && !in_command)
            fputs(".EE\n", stdout);
    }
}

static void put_introduction(const char *date)
{
    puts(".\\\" Made from the tables of the plugin: do not edit.");
    printf(".TH TCPHS 7 %s \"tcphs " TCPHS_VERSION "\" Wireshark\n", date);
    puts(".ad l\n.SH NAME\ntcphs \\- TCP handshake analysis for Wireshark, TShark and sharkd\n"
         ".SH SYNOPSIS\n.nf\n"
         "\\fBtshark \\-r\\fR \\fIFILE\\fR \\fB\\-Y\\fR \\fIFILTER\\fR \\fB\\-T fields \\-e\\fR \\fIFIELD\\fR ...\n"
         "\\fBtshark \\-q \\-z tcphs,\\fR\\fIREPORT\\fR[\\fB,\\fR\\fIFILTER\\fR] \\fB\\-r\\fR \\fIFILE\\fR\n.fi\n"
         ".SH DESCRIPTION\n"
         "tcphs shows for every TCP segment the stage of its connection,\n"
         "proved by sequence and acknowledgment numbers,\n"
         "and for every connection a named reason why it opened, failed or ended as it did.\n"
         "It flags handshakes that do not add up, bad acknowledgment numbers and\n"
         "abnormal RST and FIN, and stays quiet on healthy traffic.\n"
         "The file tcphs.json, installed with it, says the same to programs as this page.");
}

static void put_tables(void)
{
    puts(".SH FIELDS OF A SEGMENT\n"
         "Final at once, and the same in one pass, in two (\\-2), in Wireshark and in sharkd.");
    put_fields(0);
    puts(".SH FIELDS OF A CONNECTION\n"
         "They may still change during a first pass; tcphs.conn.final says whether they can.");
    put_fields(1);
    puts(".SH VALUES\nIn filters write the text in quotes or the number.");
    put_words();
    puts(".SH ANOMALIES\n"
         "Each is a field, and an expert info under tcphs.expert; all of them raise tcphs.anomaly.");
    put_findings("tcphs.anomaly.", tcphs_doc_anomalies);
    puts(".SH NOTES\nWorth knowing and no fault: an expert info, never tcphs.anomaly.");
    put_findings("tcphs.expert.", tcphs_doc_notes);
    puts(".SH REPORTS\n"
         "Printed by tshark \\-q \\-z at the end of one pass, and under Statistics in Wireshark.\n"
         "A display filter behind the name chooses connections.\n"
         "The names of the columns are the keys in TSV and JSON.");
    put_reports();
    puts(".SH PREFERENCES\nSet with \\-o NAME:VALUE or under Edit, Preferences, Protocols, TCPHS.");
    put_preferences();
}

void tcphs_doc_write_man(const char *date, const char *recipes)
{
    FILE *page = fopen(recipes, "r");
    if (page == NULL) {
        perror(recipes);
        exit(1);
    }
    put_introduction(date);
    put_tables();
    puts(".SH RECIPES");
    put_recipes(page);
    puts(".SH SEE ALSO\n.BR tshark (1),\n.BR wireshark (1),\n.BR wireshark\\-filter (4)");
    fclose(page);
}

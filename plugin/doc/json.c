/* json.c
 * Writes the tables as one JSON object, for programs that drive tshark and want to know names, numbers and meanings.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "tables.h"

static void put_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void put_member(const char *name, const char *value)
{
    if (value == NULL)
        return;
    printf(", \"%s\": ", name);
    put_string(value);
}

static void put_first(const char *name, const char *value)
{
    printf("{\"%s\": ", name);
    put_string(value);
}

/* Between the members of a list. */
static void put_separator(int is_first)
{
    fputs(is_first ? "\n    " : ",\n    ", stdout);
}

/* "tcphs_rst_kind_vals" is called rst_kind. */
static void put_words_name(const char *words)
{
    const size_t before = strlen("tcphs_"), after = strlen("_names");
    printf("\"%.*s\"", (int)(strlen(words) - before - after), words + before);
}

static void put_fields(void)
{
    fputs("  \"fields\": [", stdout);
    for (const struct tcphs_doc_field *f = tcphs_doc_fields; f->name != NULL; f++) {
        put_separator(f == tcphs_doc_fields);
        put_first("name", f->name);
        put_member("title", f->title);
        put_member("type", f->type);
        put_member("of", tcphs_doc_is_of_connection(f->name) ? "connection" : "segment");
        printf(", \"final_at_once\": %s", tcphs_doc_is_of_connection(f->name) ? "false" : "true");
        if (f->words != NULL) {
            fputs(", \"values\": ", stdout);
            put_words_name(f->words);
        }
        put_member("meaning", f->meaning);
        putchar('}');
    }
    fputs("\n  ]", stdout);
}

static void put_enumerations(void)
{
    const char *open = NULL;
    fputs("  \"enumerations\": {", stdout);
    for (const struct tcphs_doc_value *w = tcphs_doc_values; w->words != NULL; w++) {
        const int begins = open == NULL || strcmp(open, w->words) != 0;
        if (begins) {
            fputs(open == NULL ? "\n    " : "\n    ],\n    ", stdout);
            put_words_name(w->words);
            fputs(": [", stdout);
            open = w->words;
        }
        fputs(begins ? "\n      " : ",\n      ", stdout);
        printf("{\"number\": %u", w->number);
        put_member("text", w->text);
        put_member("meaning", w->meaning);
        putchar('}');
    }
    fputs("\n    ]\n  }", stdout);
}

static void put_lower(const char *name, const char *text)
{
    printf(", \"%s\": \"", name);
    for (; *text != '\0'; text++)
        putchar(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
    putchar('"');
}

static void put_findings(const char *label, const struct tcphs_doc_finding *rows, int have_a_field)
{
    printf("  \"%s\": [", label);
    for (const struct tcphs_doc_finding *f = rows; f->name != NULL; f++) {
        put_separator(f == rows);
        put_first("name", f->name);
        if (have_a_field)
            printf(", \"field\": \"tcphs.anomaly.%s\"", f->name);
        printf(", \"expert\": \"tcphs.expert.%s\"", f->name);
        put_lower("family", f->family);
        put_lower("severity", f->severity);
        put_lower("group", f->group);
        put_member("summary", f->summary);
        put_member("source", f->source);
        putchar('}');
    }
    fputs("\n  ]", stdout);
}

static void put_columns(const char *report)
{
    int first = 1;
    for (const struct tcphs_doc_column *c = tcphs_doc_columns; c->report != NULL; c++) {
        if (strcmp(c->report, report) != 0)
            continue;
        fputs(first ? "\n      " : ",\n      ", stdout);
        first = 0;
        put_first("meaning", c->meaning);
        put_member("key", c->key);
        put_member("title", c->title);
        put_lower("kind", c->kind);
        putchar('}');
    }
}

static void put_reports(void)
{
    fputs("  \"reports\": [", stdout);
    for (const struct tcphs_doc_report *r = tcphs_doc_reports; r->name != NULL; r++) {
        put_separator(r == tcphs_doc_reports);
        put_first("name", r->name);
        printf(", \"command\": \"tcphs,%s\"", r->name);
        put_member("title", r->title);
        put_member("meaning", r->meaning);
        fputs(", \"columns\": [", stdout);
        put_columns(r->name);
        fputs("]}", stdout);
    }
    fputs("\n  ]", stdout);
}

static void put_choices(const char *choices)
{
    fputs(", \"choices\": [", stdout);
    for (const char *word = choices; *word != '\0';) {
        const size_t length = strcspn(word, " ");
        printf("%s\"%.*s\"", word == choices ? "" : ", ", (int)length, word);
        word += length + strspn(word + length, " ");
    }
    putchar(']');
}

static void put_preferences(void)
{
    fputs("  \"preferences\": [", stdout);
    for (const struct tcphs_doc_preference *p = tcphs_doc_preferences; p->kind != NULL; p++) {
        put_separator(p == tcphs_doc_preferences);
        printf("{\"name\": \"tcphs.%s\"", p->name);
        put_member("kind", p->kind);
        put_member("title", p->title);
        put_member("default", p->fallback);
        if (p->choices != NULL)
            put_choices(p->choices);
        put_member("meaning", p->meaning);
        putchar('}');
    }
    fputs("\n  ]", stdout);
}

void tcphs_doc_write_json(void)
{
    fputs("{\n  \"name\": \"tcphs\",\n  \"version\": \"" TCPHS_VERSION "\",\n", stdout);
    put_fields();
    fputs(",\n", stdout);
    put_enumerations();
    fputs(",\n", stdout);
    put_findings("anomalies", tcphs_doc_anomalies, 1);
    fputs(",\n", stdout);
    put_findings("notes", tcphs_doc_notes, 0);
    fputs(",\n", stdout);
    put_reports();
    fputs(",\n", stdout);
    put_preferences();
    fputs("\n}\n", stdout);
}

/* markdown.c
 * Copies a Markdown page to stdout and writes the tables anew between its <!-- begin: NAME --> and <!-- end: NAME -->.
 * A table that the page asks for and nobody knows, or that would silently leave a row out, ends the program with an
 * error.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "markdown: %s: %s\n", what, which);
    exit(1);
}

/* In a cell a bar would end it, and < might begin a tag. */
static void put_cell(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            fputs("\\|", stdout);
        else if (*text == '<')
            fputs("&lt;", stdout);
        else
            putchar(*text);
    }
}

static void put_lower(const char *text)
{
    for (; *text != '\0'; text++)
        putchar(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
}

/* With a space behind each comma, which the host skips, a long list of numbers breaks as text does. */
static void put_list(const char *text)
{
    for (; *text != '\0'; text++) {
        putchar(*text);
        if (*text == ',')
            putchar(' ');
    }
}

static void put_meaning(const char *text)
{
    fputs(" | ", stdout);
    put_cell(text);
    fputs(" |\n", stdout);
}

/* "tcphs.stage" has words for its numbers; of the others the host's type says what they hold. */
static const char *kind_of(const struct tcphs_doc_field *field)
{
    static const struct {
        const char *type, *kind;
    } kinds[] = {
        { "FT_UINT8", "number" },           { "FT_UINT16", "number" },         { "FT_UINT32", "number" },
        { "FT_INT8", "signed number" },     { "FT_INT16", "signed number" },   { "FT_INT32", "signed number" },
        { "FT_BOOLEAN", "true or false" },  { "FT_FRAMENUM", "frame number" }, { "FT_RELATIVE_TIME", "time" },
        { "FT_NONE", "present or absent" }, { "FT_STRING", "text" },
    };
    if (field->words != NULL)
        return "word";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].type, field->type) == 0)
            return kinds[i].kind;
    fail("no word for the type", field->type);
    return NULL;
}

static void put_fields(int of_connection)
{
    puts("| field | type | meaning |\n|---|---|---|");
    for (const struct tcphs_doc_field *f = tcphs_doc_fields; f->name != NULL; f++)
        if (tcphs_doc_is_of_connection(f->name) == of_connection) {
            printf("| `%s` | %s", f->name, kind_of(f));
            put_meaning(f->meaning);
        }
}

static void put_segment_fields(void)
{
    put_fields(0);
}

static void put_connection_fields(void)
{
    put_fields(1);
}

static void put_fields_of_words(const char *words)
{
    const char *separator = "";
    for (const struct tcphs_doc_field *f = tcphs_doc_fields; f->name != NULL; f++)
        if (f->words != NULL && strcmp(f->words, words) == 0) {
            printf("%s`%s`", separator, f->name);
            separator = ", ";
        }
}

static void put_values(void)
{
    const char *open = "";
    for (const struct tcphs_doc_value *w = tcphs_doc_values; w->words != NULL; w++) {
        if (strcmp(open, w->words) != 0) {
            fputs(*open == '\0' ? "### " : "\n### ", stdout);
            put_fields_of_words(w->words);
            puts("\n\n| number | value | meaning |\n|---|---|---|");
            open = w->words;
        }
        printf("| %u | `%s`", w->number, w->text);
        put_meaning(w->meaning);
    }
}

static int put_findings(const struct tcphs_doc_finding *rows, const char *family, const char *prefix)
{
    int count = 0;
    puts("| filter | severity | what it says | source |\n|---|---|---|---|");
    for (const struct tcphs_doc_finding *f = rows; f->name != NULL; f++) {
        if (family != NULL && strcmp(f->family, family) != 0)
            continue;
        printf("| `%s%s` | ", prefix, f->name);
        put_lower(f->severity);
        fputs(" | ", stdout);
        put_cell(f->summary);
        put_meaning(f->source);
        count++;
    }
    return count;
}

static void put_anomalies(void)
{
    int shown = 0, known = 0;
    for (const struct tcphs_doc_family *family = tcphs_doc_families; family->name != NULL; family++) {
        printf("%s### %s\n\n", shown == 0 ? "" : "\n", family->title);
        shown += put_findings(tcphs_doc_anomalies, family->name, "tcphs.anomaly.");
    }
    for (const struct tcphs_doc_finding *f = tcphs_doc_anomalies; f->name != NULL; f++)
        known++;
    if (shown != known)
        fail("an anomaly is of a family without a title", "see tcphs_doc_families");
}

static void put_notes(void)
{
    put_findings(tcphs_doc_notes, NULL, "tcphs.expert.");
}

static void put_reports(void)
{
    puts("| report | menu | what it shows |\n|---|---|---|");
    for (const struct tcphs_doc_report *r = tcphs_doc_reports; r->name != NULL; r++) {
        printf("| `tcphs,%s` | %s", r->name, r->title);
        put_meaning(r->meaning);
    }
}

static void put_columns_of(const char *report)
{
    for (const struct tcphs_doc_column *c = tcphs_doc_columns; c->report != NULL; c++)
        if (strcmp(c->report, report) == 0) {
            if (c->key != NULL)
                printf("| `%s`", c->key);
            else
                printf("| *%s*", c->title);
            put_meaning(c->meaning);
        }
}

static int has_columns(const char *report)
{
    for (const struct tcphs_doc_column *c = tcphs_doc_columns; c->report != NULL; c++)
        if (strcmp(c->report, report) == 0)
            return 1;
    return 0;
}

static void put_columns(void)
{
    const char *separator = "";
    for (const struct tcphs_doc_report *r = tcphs_doc_reports; r->name != NULL; r++)
        if (has_columns(r->name)) {
            printf("%s### `tcphs,%s`\n\n| key | meaning |\n|---|---|\n", separator, r->name);
            put_columns_of(r->name);
            separator = "\n";
        }
}

static void put_preferences(void)
{
    puts("| preference | default | meaning |\n|---|---|---|");
    for (const struct tcphs_doc_preference *p = tcphs_doc_preferences; p->kind != NULL; p++) {
        printf("| `tcphs.%s` | ", p->name);
        put_list(p->fallback);
        fputs(" | ", stdout);
        put_cell(p->title);
        fputs(". ", stdout);
        put_cell(p->meaning);
        if (p->choices != NULL)
            printf(". One of: %s", p->choices);
        puts(" |");
    }
}

static const struct {
    const char *name;
    void (*put)(void);
} tables[] = {
    { "segment fields", put_segment_fields },
    { "connection fields", put_connection_fields },
    { "values", put_values },
    { "anomalies", put_anomalies },
    { "notes", put_notes },
    { "reports", put_reports },
    { "columns", put_columns },
    { "preferences", put_preferences },
};

/* The name in "<!-- begin: NAME -->\n", cut out of the line; NULL for any other line. */
static char *marked(char *line, const char *mark)
{
    const size_t before = strlen(mark);
    char *end = strstr(line, " -->\n");
    if (strncmp(line, mark, before) != 0 || end == NULL)
        return NULL;
    *end = '\0';
    return line + before;
}

static void put_table(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (strcmp(tables[i].name, name) == 0) {
            printf("<!-- begin: %s -->\n", name);
            tables[i].put();
            printf("<!-- end: %s -->\n", name);
            return;
        }
    fail("no table is called", name);
}

/* Steps over what stands in the page now. */
static void skip_to_end(FILE *page, const char *name)
{
    char line[8192];
    while (fgets(line, sizeof line, page) != NULL) {
        const char *end = marked(line, "<!-- end: ");
        if (end != NULL && strcmp(end, name) == 0)
            return;
        if (end != NULL || marked(line, "<!-- begin: ") != NULL)
            break;
    }
    fail("this table has no end", name);
}

void tcphs_doc_write_page(const char *path)
{
    char line[8192];
    FILE *page = fopen(path, "r");
    if (page == NULL) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, page) != NULL) {
        const char *name = marked(line, "<!-- begin: ");
        if (name == NULL) {
            fputs(line, stdout);
            continue;
        }
        put_table(name);
        skip_to_end(page, name);
    }
    fclose(page);
}

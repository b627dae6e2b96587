/* report_table.c
 * Writes tables. One cell becomes one text; what differs between the formats is how absence and units are written.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/report_table.h"

#include <inttypes.h>
#include <string.h>

#include <wsutil/json_dumper.h>

#define LINE_WIDTH 120
#define GAP 1
#define SECOND_LINE "        "

/* Reports of many rows spend their time here: printf would take ten times as long. */
enum { MOST_DIGITS = 20 };

/* Writes a number, one digit at least, so that it ends at `end`; returns where it begins. */
static char *digits_before(char *end, guint64 value, int least)
{
    char *at = end;
    for (; value > 0 || least > 0 || at == end; value /= 10, least--)
        *--at = (char)('0' + value % 10);
    return at;
}

static void append_count(GString *out, guint64 value, int digits)
{
    char text[MOST_DIGITS], *const end = text + sizeof text, *at = digits_before(end, value, digits);
    g_string_append_len(out, at, end - at);
}

static void append_spaces(GString *out, int count)
{
    static const char spaces[] = "                                ";
    for (; count > 0; count -= (int)sizeof spaces - 1)
        g_string_append_len(out, spaces, MIN(count, (int)sizeof spaces - 1));
}

void tcphs_row_count(struct tcphs_row *row, unsigned column, guint64 value)
{
    row->cells[column] = (struct tcphs_cell){ .present = true, .as.count = value };
}

void tcphs_row_pair(struct tcphs_row *row, unsigned column, guint64 first, guint64 second)
{
    char text[MOST_DIGITS + MOST_DIGITS + sizeof "/"], *at = text + sizeof text - 1;
    *at = '\0';
    at = digits_before(at, second, 0);
    *--at = '/';
    tcphs_row_word(row, column, digits_before(at, first, 0));
}

void tcphs_row_time(struct tcphs_row *row, unsigned column, gint64 nanoseconds)
{
    row->cells[column] = (struct tcphs_cell){ .present = true, .as.nanoseconds = nanoseconds };
}

void tcphs_row_share(struct tcphs_row *row, unsigned column, guint64 part, guint64 whole)
{
    if (whole > 0)
        row->cells[column] = (struct tcphs_cell){ .present = true, .as.share = (double)part / (double)whole };
}

void tcphs_row_mark(struct tcphs_row *row, unsigned column, bool value)
{
    row->cells[column] = (struct tcphs_cell){ .present = true, .as.mark = value };
}

void tcphs_row_word(struct tcphs_row *row, unsigned column, const char *word)
{
    if (word != NULL)
        row->cells[column] = (struct tcphs_cell){ .present = true, .as.word = g_string_chunk_insert(row->words, word) };
}

static void begin_row(struct tcphs_row *row)
{
    memset(row->cells, 0, sizeof row->cells);
    g_string_chunk_clear(row->words);
}

void tcphs_row_name(struct tcphs_row *row, unsigned column, const char *name)
{
    if (name != NULL)
        row->cells[column] = (struct tcphs_cell){ .present = true, .as.word = name };
}

static void fill(const struct tcphs_table *table, guint index, struct tcphs_row *row)
{
    begin_row(row);
    table->fill(table, index, row);
}

/* One cell as text ---------------------------------------------------------------------------------------------- */

static void append_fraction(GString *out, gint64 nanoseconds, gint64 unit, int digits)
{
    gint64 step = unit;
    for (int i = 0; i < digits; i++)
        step /= 10;
    const bool negative = nanoseconds < 0;
    const gint64 steps = ((negative ? -nanoseconds : nanoseconds) + step / 2) / step;
    if (negative)
        g_string_append_c(out, '-');
    append_count(out, (guint64)(steps / (unit / step)), 0);
    g_string_append_c(out, '.');
    append_count(out, (guint64)(steps % (unit / step)), digits);
}

/* RFC 3339, in UTC. */
static void append_moment(GString *out, gint64 nanoseconds)
{
    gint64 seconds = nanoseconds / 1000000000, rest = nanoseconds % 1000000000;
    if (rest < 0) {
        rest += 1000000000;
        seconds--;
    }
    GDateTime *moment = g_date_time_new_from_unix_utc(seconds);
    if (moment == NULL) { /* beyond the year 9999, or before the first */
        append_fraction(out, nanoseconds, 1000000000, 9);
        return;
    }
    char *text = g_date_time_format(moment, "%Y-%m-%dT%H:%M:%S");
    g_string_append_printf(out, "%s.%09" PRId64 "Z", text, rest);
    g_free(text);
    g_date_time_unref(moment);
}

static void append_for_people(GString *out, enum tcphs_column_kind kind, const struct tcphs_cell *cell, gint64 start)
{
    switch (kind) {
    case TCPHS_COUNT:
    case TCPHS_BYTES:
        append_count(out, cell->as.count, 0);
        break;
    case TCPHS_SECONDS:
        append_fraction(out, cell->as.nanoseconds, 1000000000, 6);
        break;
    case TCPHS_MILLISECONDS:
        append_fraction(out, cell->as.nanoseconds, 1000000, 3);
        break;
    case TCPHS_MOMENT:
        append_fraction(out, cell->as.nanoseconds - start, 1000000000, 6);
        break;
    case TCPHS_SHARE:
        g_string_append_printf(out, "%.1f", cell->as.share * 100);
        break;
    case TCPHS_WORD:
    case TCPHS_LIST:
        g_string_append(out, cell->as.word);
        break;
    case TCPHS_MARK:
        g_string_append(out, cell->as.mark ? "yes" : "no");
        break;
    }
}

static void append_for_programs(GString *out, enum tcphs_column_kind kind, const struct tcphs_cell *cell)
{
    switch (kind) {
    case TCPHS_SECONDS:
    case TCPHS_MILLISECONDS:
        append_fraction(out, cell->as.nanoseconds, 1000000000, 9);
        break;
    case TCPHS_MOMENT:
        append_moment(out, cell->as.nanoseconds);
        break;
    case TCPHS_SHARE:
        g_string_append_printf(out, "%.6f", cell->as.share);
        break;
    case TCPHS_MARK:
        g_string_append(out, cell->as.mark ? "true" : "false");
        break;
    case TCPHS_COUNT:
    case TCPHS_BYTES:
    case TCPHS_WORD:
    case TCPHS_LIST:
        append_for_people(out, kind, cell, 0);
        break;
    }
}

static bool is_text(enum tcphs_column_kind kind)
{
    return kind == TCPHS_WORD || kind == TCPHS_LIST;
}

/* Text ---------------------------------------------------------------------------------------------------------- */

/* A table on its way out. Lifetime: one call. */
struct text_writer {
    const struct tcphs_table *table;
    gint64 start;
    unsigned widths[TCPHS_MOST_COLUMNS];
    unsigned second_line; /* the column that begins it, where not all fit into one */
    GString *line, *cell;
    FILE *out;
};

static bool is_closing_list(const struct tcphs_table *table, unsigned column)
{
    return table->columns[column].kind == TCPHS_LIST && column + 1 == table->column_count;
}

static void cell_for_people(struct text_writer *w, const struct tcphs_row *row, unsigned column)
{
    g_string_truncate(w->cell, 0);
    if (row->cells[column].present)
        append_for_people(w->cell, w->table->columns[column].kind, &row->cells[column], w->start);
    else if (w->table->columns[column].kind != TCPHS_LIST)
        g_string_append_c(w->cell, '-');
}

static void end_line(struct text_writer *w)
{
    size_t length = w->line->len;
    while (length > 0 && w->line->str[length - 1] == ' ')
        length--;
    g_string_truncate(w->line, length);
    if (length > 0)
        fputs(g_string_append_c(w->line, '\n')->str, w->out);
    g_string_truncate(w->line, 0);
}

static void put_cell(struct text_writer *w, unsigned column)
{
    const bool list = is_closing_list(w->table, column);
    const int pad = list ? 0 : MAX((int)w->widths[column] - (int)w->cell->len, 0);
    if (column == w->second_line || (list && w->line->len + GAP + w->cell->len > LINE_WIDTH)) {
        end_line(w);
        g_string_assign(w->line, SECOND_LINE);
    } else if (w->line->len > 0) {
        append_spaces(w->line, GAP);
    }
    const bool text = is_text(w->table->columns[column].kind);
    append_spaces(w->line, text ? 0 : pad);
    g_string_append_len(w->line, w->cell->str, (gssize)w->cell->len);
    append_spaces(w->line, text ? pad : 0);
}

static unsigned width_for_people(struct text_writer *w, const struct tcphs_row *row, unsigned column)
{
    if (row->cells[column].present && is_text(w->table->columns[column].kind))
        return (unsigned)strlen(row->cells[column].as.word);
    cell_for_people(w, row, column);
    return (unsigned)w->cell->len;
}

static void measure(struct text_writer *w, struct tcphs_row *row)
{
    const struct tcphs_table *table = w->table;
    for (unsigned c = 0; c < table->column_count; c++)
        w->widths[c] = table->columns[c].title ? (unsigned)strlen(table->columns[c].title) : 0;
    for (guint i = 0; i < table->row_count; i++) {
        fill(table, i, row);
        for (unsigned c = 0; c < table->column_count; c++) {
            if (table->columns[c].title == NULL || is_closing_list(table, c))
                continue;
            w->widths[c] = MAX(w->widths[c], width_for_people(w, row, c));
        }
    }
    unsigned width = 0;
    w->second_line = table->column_count;
    for (unsigned c = 0; c < table->column_count && w->second_line == table->column_count; c++) {
        if (width > 0 && width + GAP + w->widths[c] > LINE_WIDTH)
            w->second_line = c;
        width += w->widths[c] > 0 ? GAP + w->widths[c] : 0;
    }
}

static void write_text(const struct tcphs_table *table, gint64 start, FILE *out)
{
    struct text_writer w = { table, start, { 0 }, 0, g_string_new(NULL), g_string_new(NULL), out };
    struct tcphs_row row = { .words = g_string_chunk_new(256), .for_people = true, .with_names = true };
    measure(&w, &row);
    for (unsigned c = 0; c < table->column_count; c++) {
        if (table->columns[c].title == NULL)
            continue;
        g_string_assign(w.cell, table->columns[c].title);
        put_cell(&w, c);
    }
    end_line(&w);
    for (guint i = 0; i < table->row_count; i++) {
        fill(table, i, &row);
        for (unsigned c = 0; c < table->column_count; c++) {
            if (table->columns[c].title == NULL)
                continue;
            cell_for_people(&w, &row, c);
            put_cell(&w, c);
        }
        end_line(&w);
    }
    g_string_chunk_free(row.words);
    g_string_free(w.line, TRUE);
    g_string_free(w.cell, TRUE);
}

/* For programs -------------------------------------------------------------------------------------------------- */

static void write_tsv(const struct tcphs_table *table, FILE *out)
{
    struct tcphs_row row = { .words = g_string_chunk_new(256) };
    GString *line = g_string_new(NULL);
    for (unsigned c = 0; c < table->column_count; c++)
        if (table->columns[c].key != NULL)
            g_string_append_printf(line, "%s%s", c ? "\t" : "", table->columns[c].key);
    fprintf(out, "%s\n", line->str);
    for (guint i = 0; i < table->row_count; i++) {
        fill(table, i, &row);
        g_string_truncate(line, 0);
        for (unsigned c = 0; c < table->column_count; c++) {
            if (table->columns[c].key == NULL)
                continue;
            if (c > 0)
                g_string_append_c(line, '\t');
            if (row.cells[c].present)
                append_for_programs(line, table->columns[c].kind, &row.cells[c]);
        }
        fprintf(out, "%s\n", line->str);
    }
    g_string_free(line, TRUE);
    g_string_chunk_free(row.words);
}

static void dump_list(json_dumper *dumper, const char *words)
{
    char **list = g_strsplit(words, ",", -1);
    json_dumper_begin_array(dumper);
    for (char **word = list; *word != NULL; word++)
        json_dumper_value_string(dumper, *word);
    json_dumper_end_array(dumper);
    g_strfreev(list);
}

static void dump_cell(json_dumper *dumper, enum tcphs_column_kind kind, const struct tcphs_cell *cell, GString *text)
{
    g_string_truncate(text, 0);
    if (kind == TCPHS_LIST) {
        dump_list(dumper, cell->present ? cell->as.word : "");
    } else if (!cell->present) {
        json_dumper_value_anyf(dumper, "null");
    } else {
        append_for_programs(text, kind, cell);
        if (kind == TCPHS_WORD || kind == TCPHS_MOMENT)
            json_dumper_value_string(dumper, text->str);
        else
            json_dumper_value_anyf(dumper, "%s", text->str);
    }
}

/* Two reports may be written one after the other: every line says which it is of. */
static void begin_json(json_dumper *dumper, const char *name)
{
    json_dumper_begin_object(dumper);
    json_dumper_set_member_name(dumper, "report");
    json_dumper_value_string(dumper, name);
}

static void write_json(const struct tcphs_table *table, FILE *out)
{
    struct tcphs_row row = { .words = g_string_chunk_new(256) };
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < table->row_count; i++) {
        json_dumper dumper = { .output_file = out };
        fill(table, i, &row);
        begin_json(&dumper, table->name);
        for (unsigned c = 0; c < table->column_count; c++) {
            if (table->columns[c].key == NULL)
                continue;
            json_dumper_set_member_name(&dumper, table->columns[c].key);
            dump_cell(&dumper, table->columns[c].kind, &row.cells[c], text);
        }
        json_dumper_end_object(&dumper);
        json_dumper_finish(&dumper);
    }
    g_string_free(text, TRUE);
    g_string_chunk_free(row.words);
}

void tcphs_table_write(const struct tcphs_table *table, enum tcphs_format format, gint64 start, FILE *out)
{
    switch (format) {
    case TCPHS_TEXT:
        write_text(table, start, out);
        break;
    case TCPHS_TSV:
        write_tsv(table, out);
        break;
    case TCPHS_JSON:
        write_json(table, out);
        break;
    }
}

static void write_totals_json(const struct tcphs_totals *t, FILE *out)
{
    json_dumper dumper = { .output_file = out };
    begin_json(&dumper, t->name);
    json_dumper_set_member_name(&dumper, t->label);
    json_dumper_begin_object(&dumper);
    for (unsigned i = 0; i < t->count; i++) {
        json_dumper_set_member_name(&dumper, t->totals[i].key);
        json_dumper_value_anyf(&dumper, "%" PRIu64, t->totals[i].count);
    }
    json_dumper_end_object(&dumper);
    json_dumper_end_object(&dumper);
    json_dumper_finish(&dumper);
}

void tcphs_totals_write(const struct tcphs_totals *t, enum tcphs_format format, FILE *out)
{
    if (format == TCPHS_JSON) {
        write_totals_json(t, out);
        return;
    }
    GString *line = g_string_new(format == TCPHS_TSV ? "# " : NULL);
    g_string_append_printf(line, "%s:", t->label);
    for (unsigned i = 0; i < t->count; i++) {
        if (i > 0 && format == TCPHS_TEXT && t->totals[i].count == 0)
            continue;
        char *part = g_strdup_printf(" %s %" PRIu64, t->totals[i].key, t->totals[i].count);
        if (i > 0)
            g_string_append_c(line, ',');
        if (format == TCPHS_TEXT && line->len + strlen(part) >= LINE_WIDTH) {
            fprintf(out, "%s\n", line->str);
            g_string_assign(line, SECOND_LINE);
        }
        g_string_append(line, part);
        g_free(part);
    }
    fprintf(out, "%s\n", line->str);
    g_string_free(line, TRUE);
}

/* The host's tables ---------------------------------------------------------------------------------------------
 *
 * The host sorts a column by the type that the cells in it have, writes every float with six decimals, and leaves cells
 * without a type out of what it copies and saves, so that the rest of the row moves left. So every cell has the type of
 * its column. Numbers that are absent here and there, too large for 32 bits, or too long with six decimals are texts of
 * one width, right aligned, which sort as the numbers do.
 */

/* Widths of such texts: what is longer is whole all the same, but no longer sorts as a number. */
enum { MILLISECONDS_WIDTH = 12, SHARE_WIDTH = 6, BYTES_WIDTH = 14 };

static stat_tap_table_item_enum gui_type(enum tcphs_column_kind kind)
{
    if (kind == TCPHS_COUNT)
        return TABLE_ITEM_UINT;
    return kind == TCPHS_MOMENT ? TABLE_ITEM_FLOAT : TABLE_ITEM_STRING;
}

stat_tap_table_item *tcphs_table_items(const struct tcphs_table *table, size_t *count)
{
    static const char *const formats[] = {
        [TABLE_ITEM_UINT] = "%u", [TABLE_ITEM_STRING] = "%s", [TABLE_ITEM_FLOAT] = "%f"
    };
    stat_tap_table_item *items = g_new0(stat_tap_table_item, table->gui_column_count);
    for (unsigned i = 0; i < table->gui_column_count; i++) {
        const enum tcphs_column_kind kind = table->columns[table->gui_columns[i].column].kind;
        items[i] = (stat_tap_table_item){
            .type = gui_type(kind),
            .align = is_text(kind) || kind == TCPHS_MARK ? TAP_ALIGN_LEFT : TAP_ALIGN_RIGHT,
            .column_name = table->gui_columns[i].title,
            .field_format = formats[gui_type(kind)],
        };
    }
    *count = table->gui_column_count;
    return items;
}

static char *gui_text(enum tcphs_column_kind kind, const struct tcphs_cell *cell)
{
    GString *text = g_string_new(NULL);
    if (!cell->present)
        g_string_append_c(text, '-');
    else if (kind == TCPHS_SECONDS || kind == TCPHS_MILLISECONDS)
        append_fraction(text, cell->as.nanoseconds, 1000000, 2);
    else
        append_for_people(text, kind, cell, 0);
    return g_string_free(text, FALSE);
}

static int gui_width(enum tcphs_column_kind kind)
{
    switch (kind) {
    case TCPHS_SECONDS:
    case TCPHS_MILLISECONDS:
        return MILLISECONDS_WIDTH;
    case TCPHS_SHARE:
        return SHARE_WIDTH;
    case TCPHS_BYTES:
        return BYTES_WIDTH;
    case TCPHS_COUNT:
    case TCPHS_MOMENT:
    case TCPHS_WORD:
    case TCPHS_LIST:
    case TCPHS_MARK:
        break;
    }
    return 0;
}

static stat_tap_table_item_type gui_cell(enum tcphs_column_kind kind, const struct tcphs_cell *cell, gint64 start)
{
    stat_tap_table_item_type item = { .type = gui_type(kind) };
    if (item.type == TABLE_ITEM_UINT) {
        item.value.uint_value = cell->present ? (guint)MIN(cell->as.count, G_MAXUINT) : 0;
    } else if (item.type == TABLE_ITEM_FLOAT) {
        item.value.float_value = cell->present ? (double)(cell->as.nanoseconds - start) / 1e9 : 0;
    } else {
        char *text = gui_text(kind, cell);
        item.value.string_value = g_strdup_printf("%*s", gui_width(kind), text);
        g_free(text);
    }
    return item;
}

static void free_texts(stat_tap_table_item_type *items, guint count)
{
    for (guint i = 0; i < count; i++)
        if (items[i].type == TABLE_ITEM_STRING) {
            g_free((char *)items[i].value.string_value);
            items[i].type = TABLE_ITEM_NONE;
        }
}

void tcphs_table_show(const struct tcphs_table *table, guint index, gint64 start, stat_tap_table *shown)
{
    stat_tap_table_item_type items[TCPHS_MOST_COLUMNS];
    struct tcphs_row row = { .words = g_string_chunk_new(256), .with_names = true };
    fill(table, index, &row);
    for (unsigned i = 0; i < table->gui_column_count; i++) {
        const unsigned column = table->gui_columns[i].column;
        items[i] = gui_cell(table->columns[column].kind, &row.cells[column], start);
    }
    if (index < shown->num_elements)
        free_texts(stat_tap_get_field_data(shown, index, 0), table->gui_column_count);
    stat_tap_init_table_row(shown, index, table->gui_column_count, items);
    g_string_chunk_free(row.words);
}

void tcphs_table_clear(stat_tap_table *shown)
{
    for (guint i = 0; i < shown->num_elements; i++) {
        free_texts(shown->elements[i], shown->num_fields);
        g_free(shown->elements[i]);
    }
    shown->num_elements = 0;
}

/* trace_read.c
 * The reader of the trace notation: one line, one segment, words separated by blanks.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "trace.h"

struct reader {
    const char *path;
    unsigned number;
    char **words; /* of the part being read */
};

static G_NORETURN void mistake(const struct reader *r, const char *what, const char *where)
{
    g_error("%s:%u: %s: %s", r->path, r->number, what, where);
}

static gint64 read_number(const struct reader *r, const char *text)
{
    char *end = NULL;
    const gint64 value = text ? g_ascii_strtoll(text, &end, 10) : 0;
    if (text == NULL || end == text || *end != '\0')
        mistake(r, "not a number", text ? text : "(end of line)");
    return value;
}

static guint16 read_flags(const struct reader *r, const char *text)
{
    static const struct {
        char letter;
        guint16 flag;
    } letters[] = {
        { 'S', TCPHS_SYN }, { 'F', TCPHS_FIN }, { 'R', TCPHS_RST }, { 'P', TCPHS_PSH }, { '.', TCPHS_ACK },
        { 'U', TCPHS_URG }, { 'E', TCPHS_ECE }, { 'W', TCPHS_CWR }, { 'A', TCPHS_AE },  { '-', 0 },
    };
    unsigned flags = 0;
    for (const char *p = text; *p; p++) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(letters) && letters[i].letter != *p)
            i++;
        if (i == G_N_ELEMENTS(letters))
            mistake(r, "unknown flag", text);
        flags |= letters[i].flag;
    }
    return (guint16)flags;
}

static void read_place(const struct reader *r, const char *text, struct tcphs_segment *s)
{
    gint64 start = 0, end = 0, length = 0;
    char **parts = g_regex_split_simple("^(-?\\d+):(-?\\d+)\\((\\d+)\\)$", text, 0, 0);
    if (g_strv_length(parts) != 5)
        mistake(r, "expected START:END(LEN)", text);
    start = read_number(r, parts[1]);
    end = read_number(r, parts[2]);
    length = read_number(r, parts[3]);
    g_strfreev(parts);
    if (end - start != length)
        mistake(r, "END is not START+LEN", text);
    s->seq = (guint32)start;
    s->length = (guint32)length;
}

/* Options that are there or not. */
static guint16 read_plain_option(const struct reader *r, const char *name)
{
    static const struct {
        const char *name;
        guint16 option;
    } options[] = {
        { "ts", TCPHS_OPT_TIMESTAMP }, { "sackOK", TCPHS_OPT_SACK_PERMITTED }, { "md5", TCPHS_OPT_MD5 },
        { "ao", TCPHS_OPT_AO },        { "cut", TCPHS_OPTIONS_CUT },
        { "mpcapable", TCPHS_OPT_MULTIPATH | TCPHS_OPT_MP_CAPABLE },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
        if (strcmp(name, options[i].name) == 0)
            return options[i].option;
    mistake(r, "unknown option", name);
}

/* VALUE ECHO */
static void read_timestamps(const struct reader *r, const char *text, struct tcphs_segment *s)
{
    char **numbers = g_strsplit(text, " ", 2);
    s->ts_value = (guint32)read_number(r, numbers[0]);
    s->ts_echo = (guint32)read_number(r, numbers[1]);
    s->options |= TCPHS_OPT_TIMESTAMP;
    g_strfreev(numbers);
}

/* <mss 1460,wscale 7,sackOK,ts,tfo 8> */
static void read_options(const struct reader *r, const char *text, struct tcphs_segment *s)
{
    char *inside = g_strndup(text + 1, strlen(text) - 2);
    char **options = g_strsplit(inside, ",", -1);
    for (char **o = options; *o; o++) {
        const char *name = g_strstrip(*o);
        if (g_str_has_prefix(name, "wscale ")) {
            s->wscale = (guint8)read_number(r, name + 7);
            s->options |= TCPHS_OPT_WSCALE;
        } else if (g_str_has_prefix(name, "mss ")) {
            s->mss = (guint16)read_number(r, name + 4);
            s->options |= TCPHS_OPT_MSS;
        } else if (g_str_has_prefix(name, "ts ")) {
            read_timestamps(r, name + 3, s);
        } else if (g_str_has_prefix(name, "tfo")) {
            s->options |= TCPHS_OPT_FASTOPEN;
        } else {
            s->options |= read_plain_option(r, name);
        }
    }
    g_strfreev(options);
    g_free(inside);
}

/* The words after START:END(LEN); *i stands on the word, and is left on its last argument. */
static void read_word(struct reader *r, unsigned *i, struct trace_line *line)
{
    struct tcphs_segment *s = &line->segment;
    const char *word = r->words[*i];
    if (word[0] == '+') {
        s->time = (gint64)(g_ascii_strtod(word + 1, NULL) * 1e9);
        return;
    }
    const gint64 value = read_number(r, r->words[++*i]);
    if (strcmp(word, "ack") == 0) {
        s->ack = (guint32)value;
        g_hash_table_insert(line->expected, g_strdup(" ack"), g_strdup("given"));
    } else if (strcmp(word, "raw") == 0) {
        s->seq = (guint32)value;
        line->raw_seq = TRUE;
    } else if (strcmp(word, "win") == 0) {
        s->window = (guint16)value;
    } else if (strcmp(word, "urg") == 0) {
        s->urgent = (guint16)value;
    } else if (strcmp(word, "sack") == 0) {
        s->sack_right = (guint32)value;
        s->options |= TCPHS_OPT_SACK;
    } else if (strcmp(word, "sport") == 0) {
        s->source_port = (guint16)value;
    } else if (strcmp(word, "dport") == 0) {
        s->destination_port = (guint16)value;
    } else if (strcmp(word, "ipid") == 0) {
        s->ip_id = (guint16)value;
    } else if (strcmp(word, "ttl") == 0) {
        s->ttl = (guint8)value;
    } else {
        mistake(r, "unknown word", word);
    }
}

static void read_segment(struct reader *r, const char *text, struct trace_line *line)
{
    struct tcphs_segment *s = &line->segment;
    char *copy = g_strdup(text);
    char *options = strchr(copy, '<');
    if (options) {
        char *end = strchr(options, '>');
        if (end == NULL)
            mistake(r, "options without >", text);
        char *body = g_strndup(options, (gsize)(end - options + 1));
        read_options(r, body, s);
        g_free(body);
        memset(options, ' ', (size_t)(end - options + 1));
    }
    r->words = g_strsplit_set(g_strstrip(copy), " \t", -1);
    GPtrArray *words = g_ptr_array_new();
    for (char **w = r->words; *w; w++)
        if (**w)
            g_ptr_array_add(words, *w);
    g_ptr_array_add(words, NULL);
    char **all = r->words;
    r->words = (char **)words->pdata;
    if (words->len < 3)
        mistake(r, "expected FLAGS START:END(LEN)", text);
    s->flags = read_flags(r, r->words[0]);
    read_place(r, r->words[1], s);
    for (unsigned i = 2; r->words[i]; i++)
        read_word(r, &i, line);
    g_ptr_array_free(words, TRUE);
    g_strfreev(all);
    g_free(copy);
}

static void read_states(const struct reader *r, const char *text, struct trace_line *line)
{
    char **words = g_regex_split_simple("\\s+", text, 0, 0);
    unsigned count = 0;
    for (char **w = words; *w; w++) {
        if (**w == '\0')
            continue;
        if (count == 2)
            mistake(r, "more than two states", text);
        if (strcmp(*w, "*") != 0)
            line->states[count] = g_strdup(*w);
        count++;
    }
    if (count == 1)
        mistake(r, "expected two states", text);
    g_strfreev(words);
}

static void read_expectations(const struct reader *r, const char *text, struct trace_line *line)
{
    char **words = g_regex_split_simple("\\s+", text, 0, 0);
    for (char **w = words; *w; w++) {
        if (**w == '\0')
            continue;
        const char *word = *w;
        if (strcmp(word, "assumed") == 0) {
            const gboolean no = w[1] != NULL && strcmp(w[1], "no") == 0;
            g_hash_table_insert(line->expected, g_strdup(word), g_strdup(no ? "no" : "yes"));
            w += no ? 1 : 0;
            continue;
        }
        if (w[1] == NULL || *w[1] == '\0')
            mistake(r, "expectation without a value", word);
        g_hash_table_insert(line->expected, g_strdup(word), g_strdup(*++w));
    }
    g_strfreev(words);
}

static struct trace_line *new_line(unsigned number)
{
    struct trace_line *line = g_new0(struct trace_line, 1);
    line->number = number;
    line->expected = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    line->segment.window = 65535;
    line->segment.time = INT64_C(10) * 1000 * 1000;
    line->segment.source_port = line->segment.destination_port = 1;
    return line;
}

static struct trace_line *read_line(struct reader *r, const char *text)
{
    struct trace_line *line = new_line(r->number);
    if (text[0] == '=') {
        read_expectations(r, text + 1, line);
        return line;
    }
    char **parts = g_strsplit(text + 1, "|", 3);
    line->segment.from = text[0] == '<';
    line->segment.frame = 1;
    read_segment(r, parts[0], line);
    if (parts[1])
        read_states(r, parts[1], line);
    if (parts[1] && parts[2])
        read_expectations(r, parts[2], line);
    g_strfreev(parts);
    return line;
}

GPtrArray *trace_read(const char *path)
{
    struct reader r = { path, 0, NULL };
    GPtrArray *cases = g_ptr_array_new();
    struct trace_case *current = NULL;
    char *near = NULL;
    char *text = NULL;
    GError *error = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error))
        g_error("%s", error->message);
    char **lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        const char *stripped = g_strstrip(*l);
        r.number++;
        if (g_str_has_prefix(stripped, "# near:")) {
            g_free(near);
            char **words = g_strsplit(stripped + strlen("# near:"), " ", -1);
            near = g_strjoinv("", words);
            g_strfreev(words);
        }
        if (*stripped == '\0' || *stripped == '#')
            continue;
        if (g_str_has_prefix(stripped, "==")) {
            current = g_new0(struct trace_case, 1);
            current->title = g_strstrip(g_strdup(stripped + 2));
            current->near = near;
            near = NULL;
            current->lines = g_ptr_array_new();
            g_ptr_array_add(cases, current);
        } else if (current == NULL || strchr("<>=", *stripped) == NULL) {
            mistake(&r, "expected ==, <, >, = or #", stripped);
        } else {
            g_ptr_array_add(current->lines, read_line(&r, stripped));
        }
    }
    g_strfreev(lines);
    g_free(near);
    g_free(text);
    return cases;
}

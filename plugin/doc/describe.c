/* describe.c
 * The one program that writes every generated description: tcphs.json and tcphs.7 when the plugin is built, and the tables in the
 * Markdown pages of this folder. What is said comes from the tables; this only chooses the writer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "tables.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "json") == 0) {
        tcphs_doc_write_json();
    } else if (argc == 4 && strcmp(argv[1], "man") == 0) {
        tcphs_doc_write_man(argv[2], argv[3]);
    } else if (argc == 3 && strcmp(argv[1], "page") == 0) {
        tcphs_doc_write_page(argv[2]);
    } else {
        fprintf(stderr, "usage: %s json | man DATE RECIPES | page FILE.md\n", argv[0]);
        return 2;
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

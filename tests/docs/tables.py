#!/usr/bin/env python3
"""The README's tables of fields, words, anomalies and report columns, generated from the .def files the plugin is built from.

  tables.py            rewrites README.md between its <!-- begin: NAME --> and <!-- end: NAME --> markers
  tables.py --check    exits 1 and says where README.md differs
"""
import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
FAMILIES = [("FLAGS", "Header and flags"), ("HANDSHAKE", "Handshake"), ("LIVE", "Established"), ("RESET", "RST"), ("FIN", "FIN and close")]
TYPES = {"FT_UINT8": "number", "FT_UINT16": "number", "FT_UINT32": "number", "FT_INT32": "signed number", "FT_BOOLEAN": "true or false",
         "FT_FRAMENUM": "frame number", "FT_RELATIVE_TIME": "time", "FT_NONE": "present or absent", "FT_STRING": "text"}
WORDS = [("STAGE", "`tcphs.stage`"), ("STATE", "`tcphs.client.state`, `tcphs.server.state`"), ("RST_KIND", "`tcphs.rst.kind`"),
         ("EVENT", "`tcphs.event`"), ("VERDICT", "`tcphs.conn.verdict`"), ("CLOSE", "`tcphs.conn.close`"),
         ("CLOSED_BY", "`tcphs.conn.closed_by`"), ("ROLE", "`tcphs.from`")]
COLUMNS = {"TCPHS_FIELD": 7, "TCPHS_COLUMN": 6, "TCPHS_WINDOW": 3, "TCPHS_REPORT": 5, "TCPHS_ANOMALY": 8, "TCPHS_NOTE": 8, "TCPHS_REMARK": 3, **{f"TCPHS_{macro}": 4 for macro, _ in WORDS}}


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def every_row(path):
    """(macro, arguments) of each row of a .def file, strings unquoted. A line that is no row is an error: it would be left out silently."""
    lines = [line for line in without_comments(path.read_text()).splitlines() if not line.startswith("#")]
    text = "\n".join(lines).strip()
    out = []
    while text:
        row = re.match(r'(TCPHS_\w+)\(((?:[^()"]|"(?:[^"\\]|\\.)*"|\([^()]*\))*)\)\s*', text)
        if not row or row.group(1) not in COLUMNS:
            sys.exit(f"{path.name}: cannot read the row at: {text[:60]!r}")
        parts = re.findall(r'\s*((?:"(?:[^"\\]|\\.)*"|\([^()]*\)|[^,"()])+)\s*(?:,|$)', row.group(2))
        if len(parts) != COLUMNS[row.group(1)]:
            sys.exit(f"{path.name}: {len(parts)} columns instead of {COLUMNS[row.group(1)]} in the row at: {text[:60]!r}")
        out.append((row.group(1), [ast.literal_eval(p.strip()) if p.strip().startswith('"') else p.strip() for p in parts]))
        text = text[row.end():]
    return out


def rows(path, macro):
    found = [row for name, row in every_row(path) if name == macro]
    if not found:
        sys.exit(f"{path.name}: no {macro} rows")
    return found


def cell(text):
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    out += ["| " + " | ".join(cell(c) for c in line) + " |" for line in lines]
    return "\n".join(out)


def fields():
    out = []
    for row in rows(ROOT / "plugin/wireshark/fields.def", "TCPHS_FIELD"):
        if row[3] not in TYPES:
            sys.exit(f"fields.def: no word for the type {row[3]} of {row[0]}")
        kind = "word" if row[5].startswith("VALS") else TYPES[row[3]]
        out.append((f"`{row[1]}`", kind, row[6]))
    return table(("field", "type", "meaning"), out)


def words():
    out = []
    for macro, field in WORDS:
        for number, _, text, meaning in rows(ROOT / "plugin/core/words.def", f"TCPHS_{macro}"):
            out.append((field, number, f"`{text}`", meaning))
            field = ""
    return table(("field", "number", "value", "meaning"), out)


def findings(macro, family, prefix):
    known = {name for name, _ in FAMILIES} if macro == "TCPHS_ANOMALY" else {"NOTE"}
    out = []
    for row in rows(ROOT / "plugin/core/findings.def", macro):
        if row[1] not in known:
            sys.exit(f"findings.def: {row[0]} is of family {row[1]}, which no table shows")
        if row[1] == family:
            out.append((f"`{prefix}{row[0]}`", row[2].lower(), row[4], row[7]))
    if not out:
        sys.exit(f"findings.def: no {macro} row of family {family}")
    return table(("filter", "severity", "what it says", "source"), out)


def anomalies():
    return "\n\n".join(f"**{title}**\n\n{findings('TCPHS_ANOMALY', family, 'tcphs.anomaly.')}" for family, title in FAMILIES)


def notes():
    return findings("TCPHS_NOTE", "NOTE", "tcphs.expert.")


def columns():
    out = []
    for report, _, key, title, _, meaning in rows(ROOT / "plugin/wireshark/reports.def", "TCPHS_COLUMN"):
        name = f"*{title}*" if key == "NULL" else f"`{key}`"
        out.append((f"`tcphs,{report}`" if not out or all(report not in line[0] for line in out) else "", name, meaning))
    return table(("report", "key", "meaning"), out)


PARTS = {"columns": columns, "fields": fields, "words": words, "anomalies": anomalies, "notes": notes}


def filled(text):
    for name, make in PARTS.items():
        pattern = rf"(<!-- begin: {name} -->\n).*?(<!-- end: {name} -->)"
        text, count = re.subn(pattern, lambda m: m.group(1) + make() + "\n" + m.group(2), text, flags=re.S)
        if count != 1:
            sys.exit(f"README.md: {count} places for the table of {name}, expected one")
    return text


def main():
    old = README.read_text()
    new = filled(old)
    if sys.argv[1:] == ["--check"]:
        if old != new:
            wrong = next(i for i, (a, b) in enumerate(zip(old.splitlines() + [""], new.splitlines() + [""]), 1) if a != b)
            sys.exit(f"README.md line {wrong} differs from the .def files: run tests/docs/tables.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        README.write_text(new)


if __name__ == "__main__":
    main()

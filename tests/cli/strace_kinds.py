#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what evnic called with what it may call.

  strace_kinds.py TABLE STRACE...

TABLE is the output of "evnic_generate calls"; each STRACE one of strace -f -o,
of an evnic from its start. What a process or thread calls counts from the moment
at which it has its own filter on; before that, a thread of the machine has the
control thread's. Prints what was called without a row, and the rows without a
call that are not marked as rare or as those of sockets; exit status 1 if there is
anything to print.
"""
import collections
import re
import sys

KINDS = ["control", "queue", "vcpu", "writer", "opener"]
THREADS = {"evnic-io": "queue", "vcpu": "vcpu", "capture": "writer"}

CALL = re.compile(r"^(\d+) +(\w+)\(")
FILTER = re.compile(r"^(\d+) +prctl\(PR_SET_SECCOMP\b")
NAME = re.compile(r'^(\d+) +prctl\(PR_SET_NAME, "([^"]*)"')


def read_table(path):
    """Rows of (call, kinds, rare)."""
    rows = []
    for line in open(path, encoding="utf-8"):
        cells = [cell.strip() for cell in line.split("|")]
        if not cells[1:2] or not cells[1].startswith("`"):
            continue
        kinds = {k for k, cell in zip(KINDS, cells[2:]) if cell == "x"}
        optional = "(rare)" in cells[-2] or "(sockets)" in cells[-2]
        rows.append((cells[1].strip("`"), kinds, optional))
    return rows


def kind_of(pid, first, names):
    if pid == first:
        return "opener"
    for start, kind in THREADS.items():
        if names.get(pid, "").startswith(start):
            return kind
    return "control"


def read_calls(path, seen):
    names, kinds, first = {}, {}, None
    for line in open(path, encoding="utf-8", errors="replace"):
        call = CALL.match(line)
        if not call:
            continue
        pid = call.group(1)
        first = first or pid
        name = NAME.match(line)
        if name:
            names[pid] = name.group(2)
        if FILTER.match(line):
            # Under the filter that it adds to, if there is one.
            if pid in kinds or "control" in kinds.values() and pid != first:
                seen["control"]["prctl"] += 1
            kinds[pid] = kind_of(pid, first, names)
            continue
        kind = kinds.get(pid)
        if not kind and pid != first and "control" in kinds.values():
            kind = "control"
        if kind:
            seen[kind][call.group(2)] += 1


def main():
    rows = read_table(sys.argv[1])
    seen = {kind: collections.Counter() for kind in KINDS}
    for path in sys.argv[2:]:
        read_calls(path, seen)
    wrong = 0
    machine = set(KINDS) - {"opener"}
    for kind in KINDS:
        kinds = machine if kind == "control" else {kind}
        may = {call for call, who, _ in rows if who & kinds}
        for call in sorted(set(seen[kind]) - may):
            print(f"{kind}: {call} was called and has no row")
            wrong = 1
        print(f"{kind}: {len(set(seen[kind]))} of {len(may)} calls seen")
        if not seen[kind]:
            print(f"{kind}: no such thread was seen")
            wrong = 1
    for call, kinds, rare in rows:
        if not rare and not any(call in seen[kind] for kind in kinds):
            print(f"{call}: has a row for {', '.join(sorted(kinds))}, and was "
                  "not called")
            wrong = 1
    return wrong


sys.exit(main())

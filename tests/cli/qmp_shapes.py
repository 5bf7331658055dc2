# SPDX-License-Identifier: MIT
"""Compares the shapes of two QMP dialogues: qmp_shapes.py QEMU OURS

A file is what a server sent, a message a line. Compared are the greeting, the
answers in their order, with members, types, ids, error classes and states, and
the events in theirs, with members and types. Texts may differ.
"""
import json
import sys

# What both tell of; ours tells of more.
EVENTS = ["STOP", "RESUME", "RESET", "POWERDOWN", "SHUTDOWN"]
# Values that must be the same, wherever they are.
VALUES = ["id", "class", "event", "status", "running", "singlestep"]


def shape(value):
    if isinstance(value, dict):
        return {name: inner if name in VALUES else shape(inner)
                for name, inner in value.items()}
    if isinstance(value, list):
        # Lists may be empty: what all items have in common.
        shapes = sorted({json.dumps(shape(item), sort_keys=True)
                         for item in value})
        return ["list"] + (shapes if value and isinstance(value[0], dict)
                           else [])
    return type(value).__name__


def read(path):
    greetings, answers, events = [], [], []
    for line in open(path, "rb"):
        message = json.loads(line)
        if "QMP" in message:
            greetings.append(shape(message))
        elif "event" not in message:
            answers.append(shape(message))
        elif message["event"] in EVENTS:
            events.append(shape(message))
    return {"greeting": greetings, "answer": answers, "event": events}


def main():
    theirs, ours = read(sys.argv[1]), read(sys.argv[2])
    wrong = 0
    for kind in theirs:
        a, b = theirs[kind], ours[kind]
        print(f"{kind}: {len(a)} of QEMU's, {len(b)} of ours")
        wrong += len(a) != len(b) or not a
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                wrong += 1
                print(f"{kind} {i}:\n  QEMU: {json.dumps(x)}\n"
                      f"  ours: {json.dumps(y)}")
    return 1 if wrong else 0


sys.exit(main())

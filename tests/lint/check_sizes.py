#!/usr/bin/env python3
"""Fails on files over 400 lines and functions over 60; speaks of files over 250 lines."""

import ast
import re
import sys

import tree

FILE_LINES, FILE_LINES_TO_MENTION, FUNCTION_LINES = 400, 250, 60

# What hides braces: comments, raw strings, strings, characters (not the ' in 1'000).
HIDDEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)
NO_FUNCTION = re.compile(r"^(if|for|while|switch|catch|do|else|try|namespace|class|struct|union|enum|extern)\b")


def blank(match):
    """What stands for a hidden part: as many lines of nothing."""
    return " " + "\n" * match.group().count("\n")


def cpp_functions(text):
    """(name, first line, number of lines) of each outermost function body."""
    text = HIDDEN.sub(blank, text)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", blank, text, flags=re.MULTILINE)
    open_braces, head_start, inside = [], 0, None
    for match in re.finditer(r"[{};]", text):
        position, brace = match.start(), match.group()
        if brace == "{":
            head = " ".join(text[head_start:position].split())
            open_braces.append(position)
            if inside is None and "(" in head and not NO_FUNCTION.match(head) and not head.endswith(("=", ",", "(")):
                inside = (len(open_braces), head, text.count("\n", 0, position) + 1)
        elif brace == "}" and open_braces:
            if inside and inside[0] == len(open_braces):
                yield inside[1][-60:], inside[2], text.count("\n", 0, position) + 2 - inside[2]
                inside = None
            open_braces.pop()
        if inside is None:
            head_start = match.end()


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def complaints(name, path):
    text = path.read_text()
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{name}: {lines} lines, over {FILE_LINES}: split it by noun"
    elif lines > FILE_LINES_TO_MENTION:
        print(f"note: {name}: {lines} lines")
    functions = {".py": python_functions, ".cc": cpp_functions, ".h": cpp_functions}.get(path.suffix)
    for function, line, length in functions(text) if functions else ():
        if length > FUNCTION_LINES:
            yield f"{name}:{line}: {length} lines, over {FUNCTION_LINES}: {function}"


def main():
    top = tree.root()
    found = []
    for path in tree.files(top, ".cc", ".h", ".py", ".go", ".sh", ""):
        if path.suffix or path.read_bytes()[:2] == b"#!":
            found += complaints(path.relative_to(top), path)
    return tree.report("sizes", found)


if __name__ == "__main__":
    sys.exit(main())

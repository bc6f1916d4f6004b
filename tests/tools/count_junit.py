#!/usr/bin/env python3
"""count_junit.py SUITE FILE: names what failed or was skipped and why, then prints the counts.

FILE is what `ctest --output-junit` wrote. Status 1 when a test failed, did not run, or none did.
"""

import re
import sys
import xml.etree.ElementTree

# GoogleTest writes the reason on the lines between "…: Skipped" and its own next line.
SKIP_REASON = re.compile(r": Skipped\n(.*?)\n\s*(?:\[|$)", re.DOTALL)


def skip_reason(case):
    match = SKIP_REASON.search(case.findtext("system-out") or "")
    if match:
        return " ".join(match.group(1).split())
    return case.find("skipped").get("message") or "no reason given"


def count(file):
    """(passed, failed, skipped): the first a number, the others lists of lines for people."""
    passed, failed, skipped = 0, [], []
    for case in xml.etree.ElementTree.parse(file).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            skipped.append(f"skipped: {case.get('name')}: {skip_reason(case)}")
        elif case.get("status") == "run":
            passed += 1
        else:
            failed.append(f"failed: {case.get('name')}")
    return passed, failed, skipped


def main():
    suite, file = sys.argv[1:]
    try:
        passed, failed, skipped = count(file)
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        passed, failed, skipped = 0, [f"failed: {suite}: no test results: {error}"], []
    if passed + len(failed) + len(skipped) == 0:
        failed = [f"failed: {suite}: no test ran"]
    print("\n".join(skipped + failed + [
        f"{suite}: {passed} passed, {len(failed)} failed, {len(skipped)} skipped"]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

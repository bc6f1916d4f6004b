#!/usr/bin/env python3
"""compare.py RESULTS EXCLUDED PACKAGE...: what the specs say of ours, measured by what they say of the control.

A spec counts when it runs a plugin or fails before it could. It passes when it passes with ours; it fails when it passes with the control
only; it is skipped when the control cannot pass it on this machine, or when EXCLUDED names it: lines
"PLUGIN: SPEC — REASON", where SPEC is a shell pattern of the spec's full name.
"""

import fnmatch
import json
import pathlib
import sys
import xml.etree.ElementTree

# Specs that reach the plugin by libcni or by a program that they build: nobody can note their calls.
ALWAYS_CALLS = ("_integ_test.go", "loopback_test.go")


class Exclusion:
    def __init__(self, line):
        name, separator, self.reason = line.partition(" — ")
        self.plugin, colon, self.pattern = name.partition(": ")
        self.used = False
        if not separator or not colon:
            raise SystemExit(f"excluded: not 'plugin: spec — reason': {line}")

    def names(self, plugin, spec):
        # The names have brackets that mean themselves.
        return plugin == self.plugin and fnmatch.fnmatchcase(spec, self.pattern.replace("[", "[[]"))


def read_exclusions(file):
    lines = [line.strip() for line in pathlib.Path(file).read_text().splitlines()]
    return [Exclusion(line) for line in lines if line and not line.startswith("#")]


def name_of(spec):
    return " ".join([*(spec["ContainerHierarchyTexts"] or []), spec["LeafNodeText"]])


def why(spec):
    lines = (spec.get("Failure", {}).get("Message") or spec["State"]).split("\n")
    return " ".join(" ".join(lines).split())[:300]


def read_junit(file):
    """As read_report, of what ginkgo wrote before its second version; the file of a spec is not in it."""
    specs = {}
    for case in xml.etree.ElementTree.parse(file).iter("testcase"):
        failure = case.find("failure")
        state = "failed" if failure is not None else "pending" if case.find("skipped") is not None else "passed"
        message = failure.text if failure is not None else ""
        specs[case.get("name")] = {"State": state, "Failure": {"Message": message},
                                   "LeafNodeLocation": {"FileName": f"{file.stem}_test.go"}}
    return specs


def read_report(results, plugin):
    """Name -> spec, of each It."""
    if (results / f"{plugin}.xml").is_file():
        return read_junit(results / f"{plugin}.xml")
    file = results / f"{plugin}.json"
    if not file.is_file():
        return {}
    suites = json.loads(file.read_text())
    specs = [spec for suite in suites for spec in suite["SpecReports"] or [] if spec["LeafNodeType"] == "It"]
    return {name_of(spec): spec for spec in specs}


# One that the control fails may have failed before its first call.
def calls_a_plugin(name, spec, calls):
    return (name in calls or spec["State"] not in ("passed", "pending")
            or spec["LeafNodeLocation"]["FileName"].endswith(ALWAYS_CALLS))


class Comparison:
    def __init__(self, results, exclusions):
        self.results, self.exclusions = pathlib.Path(results), exclusions
        self.passed, self.failed, self.skipped = 0, 0, 0

    def exclusion_of(self, plugin, spec):
        return next((e for e in self.exclusions if e.names(plugin, spec)), None)

    def judge(self, plugin, name, control, ours):
        """Counts one spec; returns what is to be said of it."""
        passes = ours is not None and ours["State"] == "passed"
        exclusion = self.exclusion_of(plugin, name)
        if exclusion:
            exclusion.used = exclusion.used or not passes
        if passes:
            self.passed += 1
            return None
        reason = why(ours) if ours else "did not run"
        if exclusion:
            self.skipped += 1
            return f"excluded: {plugin}: {name}: {exclusion.reason}"
        if control["State"] != "passed":
            self.skipped += 1
            return f"skipped: {plugin}: {name}: the control fails, too: {why(control)}"
        self.failed += 1
        return f"failed: {plugin}: {name}: {reason}"

    def compare(self, plugin):
        control = read_report(self.results / "control", plugin)
        ours = read_report(self.results / "ours", plugin)
        notes = self.results / "control" / f"{plugin}.calls"
        calls = set(notes.read_text().splitlines()) if notes.is_file() else set()
        counted = {name: spec for name, spec in control.items() if calls_a_plugin(name, spec, calls)}
        if not counted:
            self.failed += 1
            print(f"failed: {plugin}: no spec ran: see {self.results}/control/{plugin}.log")
        before = (self.passed, self.failed, self.skipped)
        for name, spec in counted.items():
            said = self.judge(plugin, name, spec, ours.get(name))
            if said:
                print(said)
        here = [now - then for now, then in zip((self.passed, self.failed, self.skipped), before)]
        control_passed = sum(spec["State"] == "passed" for spec in counted.values())
        print("{}: {} of {} specs run a plugin; the control passes {}; ours: {} passed, {} failed, {} skipped".format(
            plugin, len(counted), len(control), control_passed, *here))


def main():
    results, excluded, *packages = sys.argv[1:]
    comparison = Comparison(results, read_exclusions(excluded))
    plugins = [pathlib.PurePath(package).name for package in packages]
    for plugin in plugins:
        comparison.compare(plugin)
    for exclusion in comparison.exclusions:
        if exclusion.plugin in plugins and not exclusion.used:
            print(f"note: excluded for nothing: {exclusion.plugin}: {exclusion.pattern}")
    print(f"cni-reference: {comparison.passed} passed, {comparison.failed} failed, {comparison.skipped} skipped")
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())

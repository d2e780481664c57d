"""Reads metrics in Prometheus' text format as its own client library does.

    python parse_metrics.py < METRICS

Prints {"families": {name: type}, "samples": [[name, {label: value}, value], ...]}; fails where the
text is none, where a family has no help, and where a histogram does not add up.
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {}
samples = []
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.name not in families, f"{family.name} comes twice"
    assert family.documentation, f"{family.name} has no help"
    families[family.name] = family.type
    samples += [[sample.name, sample.labels, sample.value] for sample in family.samples]
    if family.type == "histogram":
        series = {}
        for s in family.samples:
            labels = tuple(sorted(label for label in s.labels.items() if label[0] != "le"))
            series.setdefault(labels, {}).setdefault(s.name.rpartition("_")[2], []).append(s.value)
        for labels, parts in series.items():
            buckets = parts["bucket"]
            assert buckets == sorted(buckets), f"{family.name} {labels} is not cumulative"
            assert buckets[-1:] == parts["count"], f"{family.name} {labels} has no bucket for all"
print(json.dumps({"families": families, "samples": samples}))

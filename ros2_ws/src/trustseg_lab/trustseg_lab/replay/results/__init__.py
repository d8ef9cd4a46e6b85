"""What a replay writes: tables, summary, report, events, annotated bag, gate."""

"""Plan runs: the durable shell around the pure runtime. Tasks, deadlines, escalation, actions."""

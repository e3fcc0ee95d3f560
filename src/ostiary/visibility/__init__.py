"""Events, the audit log and the index of decisions: pillar 6."""

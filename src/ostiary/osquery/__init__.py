"""osquery as an agent: who may come, what hosts are asked for, what their answers mean, and which device each is."""

"""Files and clocks of the audit log. No Django here: the decision service uses it too."""

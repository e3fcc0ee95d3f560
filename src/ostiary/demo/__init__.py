"""A sample company behind the gateway: people, rules, real applications, and a walk that checks the running system.

Needs the extra `demo`. Nothing of the product imports it.
"""

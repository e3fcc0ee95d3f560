"""The small company of a running instance: its domain and its rules. Its people are made by each test."""

DOMAIN = "corp.localhost"
IDENTITY = "ostiary.identity.facade"
RULES = """\
version: 1
rules:
  - name: staff-use-wiki
    allow: group:staff
    to: [app:wiki, app:told]
    do: [view, edit]
    when: {mfa: any}
  - name: staff-read-public-files
    allow: group:staff
    to: app:files
    do: [view, edit]
    paths: [/public/*]
  - name: staff-open-the-vault-freshly
    allow: group:staff
    to: app:vault
    do: [view]
    when:
      mfa: {method: otp, within: 12h}
  - name: finance-opens-payroll
    allow: group:finance
    to: app:payroll
    do: [view, edit]
    when: {mfa: phishing-resistant}
  - name: administrators-manage
    allow: group:administrators
    to: app:console
    do: any
    when: {mfa: phishing-resistant}
  - name: others-with-a-role-look-on
    allow: [group:auditors, group:helpdesk]
    to: app:console
    do: any
    when: {mfa: any}
  - name: a-rule-that-says-too-much
    allow: group:misled
    to: app:console
    do: any
"""

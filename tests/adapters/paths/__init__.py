"""One suite over every web framework: what is charged, answered and logged, however it ends.

`contract` says what an app under test does, `app_…` does it in a framework, `sites` starts it
behind a real server.
"""

"""One suite over every web framework: what the account API answers, behind real servers."""

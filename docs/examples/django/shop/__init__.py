"""A shop whose users sign in by Django, and pay for pictures and stories with credits."""

"""The referral agent: see README.md."""

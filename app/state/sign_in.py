"""Sign-in by OpenID Connect, where the server's secrets ask for it; off by default."""

from __future__ import annotations

from parts import door as st


def require() -> None:
    """Stop the page until its reader has signed in, if `[auth]` stands in secrets.toml."""
    if not st.secrets.load_if_toml_exists() or "auth" not in st.secrets or st.user.is_logged_in:
        return
    st.title("riskcast")
    st.markdown("Sign in to see forecasts and change assumptions.")
    st.button("Sign in", on_click=st.login, type="primary")
    st.stop()

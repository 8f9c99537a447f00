"""Settings of the local Apache Superset: everything it keeps lies in one directory, nothing leaves.

Read by Superset through SUPERSET_CONFIG_PATH; `serve.py` sets the environment.
"""

import os
from pathlib import Path

_STATE = Path(os.environ["SALES_KPI_SUPERSET_STATE"])

SECRET_KEY = (_STATE / "secret_key").read_text(encoding="utf-8").strip()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_STATE / 'superset.db'}"
# No data cache: a chart shows the release that is current when it is drawn.
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# One process serves one machine.
RATELIMIT_STORAGE_URI = "memory://"
# Superset's own pages load a counting pixel and map tiles from other hosts, whatever SCARF_ANALYTICS
# says: the browser is told to load nothing that does not come from here.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
SESSION_COOKIE_SAMESITE = "Lax"
SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 30}}
APP_NAME = "Sales KPIs"

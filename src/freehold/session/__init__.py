"""Using an estate: the same verbs, whether this process opens it or a server holds it.

    with connect("estate", token=token, passphrase=read_passphrase) as session:
        session.data.list()
        session.data.ingest("claims", "claims.csv", data_class="internal", purpose=["research"])

Results are plain JSON values in both cases. A `Path` or text given for a file or folder is opened
here.
"""

from freehold.session._connect import connect, socket_path
from freehold.session._session import Session, Transport
from freehold.session._upload import opened_upload
from freehold.session.errors import SessionError

__all__ = ["Session", "SessionError", "Transport", "connect", "opened_upload", "socket_path"]

"""Messages to a Facebook page on Messenger, and the comments on it: both come to one address.

https://developers.facebook.com/docs/messenger-platform/webhooks
"""

from __future__ import annotations

from dataclasses import replace

from services.intake.connectors import facebook_page

CONNECTOR = replace(facebook_page.CONNECTOR, name="messenger")

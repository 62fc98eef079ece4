"""The policy file `desk.toml`: read and checked.

Every service reads its own part of one frozen `Policy`; nothing is read at import.
"""

from shared.policy.calendar import WEEKDAYS, Calendar, Closure, Holidays, Override, Week
from shared.policy.hashtags import Hashtag, KnownHashtags, extract_hashtags, known_hashtags
from shared.policy.load import load_policy, parse_policy
from shared.policy.model import (
    Audience,
    Channel,
    Company,
    Counting,
    Desk,
    EventHashtag,
    Form,
    FormEmail,
    Hashtags,
    LearningMode,
    Match,
    OwnPosts,
    Policy,
    Promise,
    Retention,
    Routing,
    ServiceLevel,
    Terms,
    Verification,
)
from shared.policy.notifications import (
    DEADLINE_KINDS,
    TODO_KINDS,
    NotificationKind,
    NotificationTarget,
    Way,
)
from shared.policy.parts import Localized
from shared.policy.problems import PolicyError, PolicyProblem
from shared.policy.values import OpeningInterval, WarnLevel

__all__ = [
    "DEADLINE_KINDS",
    "TODO_KINDS",
    "WEEKDAYS",
    "Audience",
    "Calendar",
    "Channel",
    "Closure",
    "Company",
    "Counting",
    "Desk",
    "EventHashtag",
    "Form",
    "FormEmail",
    "Hashtag",
    "Hashtags",
    "Holidays",
    "KnownHashtags",
    "LearningMode",
    "Localized",
    "Match",
    "NotificationKind",
    "NotificationTarget",
    "OpeningInterval",
    "Override",
    "OwnPosts",
    "Policy",
    "PolicyError",
    "PolicyProblem",
    "Promise",
    "Retention",
    "Routing",
    "ServiceLevel",
    "Terms",
    "Verification",
    "WarnLevel",
    "Way",
    "Week",
    "extract_hashtags",
    "known_hashtags",
    "load_policy",
    "parse_policy",
]

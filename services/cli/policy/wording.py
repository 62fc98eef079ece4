"""The words of the policy's sentences, one table per language; both tables have every entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shared.policy.model import Counting
from shared.policy.notifications import NotificationKind, Way


@dataclass(frozen=True, slots=True)
class Wording:
    """Templates for `str.format`, and how this language writes lists, numbers, dates and times."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    date_form: str
    conjunction: str
    span: str
    overnight: str
    minute: tuple[str, str]
    hour: tuple[str, str]
    day: tuple[str, str]
    countries: dict[str, str]
    public: str
    promised: str
    best_effort: str
    direct_channel: str
    reply_window: str
    fetched: dict[str, str]
    form: str
    form_without_email: str
    form_embedded: str
    no_form: str
    hours: str
    holidays: str
    no_holidays: str
    closure: str
    closed_day: str
    override: str
    ical: str
    promise: str
    scope_all: str
    scope_channels: str
    scope_desks: str
    scope_hashtags: str
    scope_contacts: str
    counting: dict[Counting, str]
    example: str
    follow_up: str
    hand_over: str
    warn: str
    warn_share: str
    warn_before: str
    pause: str
    notification: str
    ways: dict[Way, str]
    notices: dict[NotificationKind, str]
    notified_all: str
    notified_desks: str
    desks: str
    direct_marks: str
    review: str
    hashtags: str
    events: str
    dated_events: str
    routing: str
    thanks: str
    netiquette: str
    log: str
    messages_stay: str
    messages_go: str
    dismissed_go: str
    words_go: str
    people_go: str

    def list(self, items: list[str]) -> str:
        """ "a, b and c"."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.conjunction} {items[-1]}"

    def count(self, number: int, unit: tuple[str, str]) -> str:
        return f"{number} {unit[number != 1]}"

    def time(self, minutes: int) -> str:
        """Minutes after midnight as "9:00"."""
        return f"{minutes // 60}:{minutes % 60:02}"

    def date(self, day: date) -> str:
        month = self.months[day.month - 1]
        return self.date_form.format(day=day.day, month=month, year=day.year)


EN = Wording(
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
    date_form="{day} {month} {year}",
    conjunction="and",
    span="{first} to {last}",
    overnight="{first} to {last} of the next day",
    minute=("minute", "minutes"),
    hour=("hour", "hours"),
    day=("day", "days"),
    countries={},
    public="{name} promises: {text}",
    promised="An answer in time is promised on {channels}.",
    best_effort="On {channels} we answer as well as we can; no clock runs there.",
    direct_channel="What comes in on {channel} goes straight to the desk {desk}.",
    fetched={
        "imap": "Mails of {channel} are read from the mailbox {source}, every {time}.",
        "mastodon": "Who mentions us at {source} comes in on {channel}, read every {time}.",
        "youtube": "Comments on the channel {source} come in on {channel}, read every {time}.",
    },
    form="Customers may write in the form at /form; it comes in on {channel}.",
    form_without_email="They need not give an e-mail address there.",
    form_embedded="It may be shown in pages of {sites}.",
    no_form="There is no form for customers.",
    reply_window=(
        "On {channel} the platform lets us answer for {hours} hours after the customer's last "
        "message; we are warned before that ends."
    ),
    hours="The desk is open {hours} ({zone}).",
    holidays="It is closed on the public holidays of {region}.",
    no_holidays="Public holidays are ordinary days.",
    closure="It is closed from {first} to {last} ({name}), both days included.",
    closed_day="It is closed on {first} ({name}).",
    override="On {day} it is open {hours} ({name}).",
    ical="Further closed days are listed in {file}.",
    promise='The promise "{name}" holds for {scope}: first answer within {target}.',
    scope_all="all promised channels",
    scope_channels="the channels {items}",
    scope_desks="the desks {items}",
    scope_hashtags="inquiries with {items}",
    scope_contacts="the contacts {items}",
    counting={
        Counting.WORKING_DAYS: (
            "The {target} run on working days only: from midnight to midnight of a closed day the "
            "clock stands still. An answer is due at the last moment of opening hours before "
            "they are over."
        ),
        Counting.OPENING_HOURS: "Only opening hours count towards the {target}.",
        Counting.WALL_CLOCK: "The {target} run on the clock, day and night, also on holidays.",
    },
    example=(
        "Example, in a week without holidays: what comes in on Friday at {time} is due on Monday "
        "at {time}; what comes in on Saturday is due on Monday at the end of opening hours."
    ),
    follow_up="After a holding reply that names no moment the next reply is due within {target}.",
    hand_over=(
        "The technical desk takes over what it gets within {target} of the inquiry, counted the "
        "same way."
    ),
    warn="We are warned {levels}.",
    warn_share="when {percent} % of the time is used",
    warn_before="{time} of opening time before the end",
    pause=(
        "While we wait for the customer the clock stands still, for {bound} at the most, then it "
        "runs on."
    ),
    notification="{name} is notified {way} of {kinds}, {scope}.",
    ways={Way.WEBHOOK: "by webhook", Way.APPRISE: "through Apprise"},
    notices={
        NotificationKind.WARNING: "warnings",
        NotificationKind.WINDOW_CLOSING: "reply windows that are about to end",
        NotificationKind.BREACHED: "breaches",
        NotificationKind.MET: "answers in time",
        NotificationKind.MET_LATE: "late answers",
        NotificationKind.MOVED: "deadlines that move",
        NotificationKind.CANCELLED: "deadlines that are cancelled",
        NotificationKind.TODO_CREATED: "new ToDos",
        NotificationKind.TODO_CLAIMED: "claimed ToDos",
        NotificationKind.TODO_RELEASED: "released ToDos",
        NotificationKind.TODO_REROUTED: "rerouted ToDos",
        NotificationKind.TODO_COMPLETED: "completed ToDos",
        NotificationKind.TODO_DISMISSED: "dismissed ToDos",
        NotificationKind.TODO_REOPENED: "reopened ToDos",
    },
    notified_all="whichever desk it is",
    notified_desks="for {desks} only",
    desks="The desks are {desks}.",
    direct_marks="{marks} in a text addresses the desk {desk}.",
    review=(
        "Unsure cases and suspected violations of the netiquette go to the desk review: a person "
        "decides."
    ),
    hashtags="Our hashtags are {tags}.",
    events="{tags} are events; with its year a tag names one edition ({example}).",
    dated_events="{tags} name an event only with the year.",
    routing=(
        "The words of an inquiry decide between the technical desk and the inbound desk; below "
        "{percent} % certainty a person does."
    ),
    thanks=(
        "Thanks after an answer need none: from {percent} % certainty on this policy dismisses "
        "them, never with a question in them."
    ),
    netiquette="Netiquette: {text}",
    log="The event log keeps {days}.",
    messages_stay="Messages stay until they are removed.",
    messages_go="Answered conversations are removed after {days}.",
    dismissed_go="What was dismissed as {reason} is removed after {days}.",
    words_go=(
        "What people write on {channel} is removed after {age}, whether it is answered or not; the "
        "event log keeps it for as long as it keeps everything."
    ),
    people_go="Names on {channel} are removed after {age} without a message.",
)

DE = Wording(
    weekdays=(
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
        "Sonntag",
    ),
    months=(
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    date_form="{day}. {month} {year}",
    conjunction="und",
    span="{first} bis {last}",
    overnight="{first} bis {last} am Folgetag",
    minute=("Minute", "Minuten"),
    hour=("Stunde", "Stunden"),
    day=("Tag", "Tage"),
    countries={"DE": "Deutschland", "AT": "Österreich", "CH": "Schweiz"},
    public="{name} verspricht: {text}",
    promised="Eine fristgerechte Antwort ist zugesagt auf {channels}.",
    best_effort="Auf {channels} antworten wir, so gut wir können; dort läuft keine Uhr.",
    direct_channel="Was über {channel} eingeht, geht direkt an das Team {desk}.",
    fetched={
        "imap": "Auf {channel} liest der Desk das Postfach {source}, alle {time}.",
        "mastodon": "Auf {channel} liest der Desk, wer uns bei {source} erwähnt, alle {time}.",
        "youtube": "Auf {channel} liest der Desk die Kommentare zum Kanal {source}, alle {time}.",
    },
    form="Kunden können im Formular unter /form schreiben; es geht über {channel} ein.",
    form_without_email="Eine E-Mail-Adresse müssen sie dort nicht angeben.",
    form_embedded="Es darf in Seiten von {sites} gezeigt werden.",
    no_form="Ein Formular für Kunden gibt es nicht.",
    reply_window=(
        "Auf {channel} lässt die Plattform bis {hours} Stunden nach der letzten Nachricht des "
        "Kunden eine Antwort zu; vor dem Ende dieser Zeit wird gewarnt."
    ),
    hours="Geöffnet ist {hours} ({zone}).",
    holidays="Geschlossen ist an den gesetzlichen Feiertagen von {region}.",
    no_holidays="Feiertage sind gewöhnliche Tage.",
    closure="Geschlossen ist vom {first} bis zum {last} ({name}), beide Tage eingeschlossen.",
    closed_day="Geschlossen ist am {first} ({name}).",
    override="Am {day} ist {hours} geöffnet ({name}).",
    ical="Weitere geschlossene Tage stehen in {file}.",
    promise="Die Zusage „{name}“ gilt für {scope}: erste Antwort innerhalb von {target}.",
    scope_all="alle Kanäle mit Zusage",
    scope_channels="die Kanäle {items}",
    scope_desks="die Teams {items}",
    scope_hashtags="Anfragen mit {items}",
    scope_contacts="die Kontakte {items}",
    counting={
        Counting.WORKING_DAYS: (
            "Die Frist ({target}) läuft nur an Werktagen: Von Mitternacht bis Mitternacht eines "
            "geschlossenen Tages steht die Uhr. Fällig ist der letzte Moment der Öffnungszeit "
            "vor ihrem Ablauf."
        ),
        Counting.OPENING_HOURS: "Von der Frist ({target}) zählt nur die Zeit während der Öffnung.",
        Counting.WALL_CLOCK: (
            "Die Frist ({target}) läuft nach der Uhr, Tag und Nacht, auch an Feiertagen."
        ),
    },
    example=(
        "Beispiel in einer Woche ohne Feiertag: Was am Freitag um {time} Uhr eingeht, ist am "
        "Montag um {time} Uhr fällig; was am Samstag eingeht, am Montag zum Ende der Öffnungszeit."
    ),
    follow_up=(
        "Nach einer Zwischenantwort, die keinen Zeitpunkt nennt, folgt die nächste Nachricht "
        "innerhalb von {target}."
    ),
    hand_over=(
        "Was an das technische Team geht, wird dort innerhalb von {target} ab Eingang übernommen, "
        "ebenso gezählt."
    ),
    warn="Gewarnt wird {levels}.",
    warn_share="bei {percent} % der Frist",
    warn_before="{time} Öffnungszeit vor dem Ende",
    pause=(
        "Während wir auf den Kunden warten, steht die Uhr, höchstens {bound}, "
        "dann läuft sie weiter."
    ),
    notification="{name} erfährt {way} von {kinds}, {scope}.",
    ways={Way.WEBHOOK: "per Webhook", Way.APPRISE: "über Apprise"},
    notices={
        NotificationKind.WARNING: "Warnungen",
        NotificationKind.WINDOW_CLOSING: "bald endenden Antwortfenstern",
        NotificationKind.BREACHED: "verpassten Fristen",
        NotificationKind.MET: "fristgerechten Antworten",
        NotificationKind.MET_LATE: "verspäteten Antworten",
        NotificationKind.MOVED: "verschobenen Fristen",
        NotificationKind.CANCELLED: "hinfälligen Fristen",
        NotificationKind.TODO_CREATED: "neuen ToDos",
        NotificationKind.TODO_CLAIMED: "übernommenen ToDos",
        NotificationKind.TODO_RELEASED: "zurückgegebenen ToDos",
        NotificationKind.TODO_REROUTED: "weitergeleiteten ToDos",
        NotificationKind.TODO_COMPLETED: "erledigten ToDos",
        NotificationKind.TODO_DISMISSED: "verworfenen ToDos",
        NotificationKind.TODO_REOPENED: "wieder geöffneten ToDos",
    },
    notified_all="gleich bei welchem Team",
    notified_desks="nur für {desks}",
    desks="Die Teams sind {desks}.",
    direct_marks="{marks} in einem Text richtet sich direkt an das Team {desk}.",
    review=(
        "Unklare Fälle und mutmaßliche Verstöße gegen die Netiquette gehen an das Team review: "
        "Ein Mensch entscheidet."
    ),
    hashtags="Unsere Hashtags sind {tags}.",
    events="{tags} sind Veranstaltungen; mit dem Jahr ist eine Ausgabe gemeint ({example}).",
    dated_events="{tags} meinen nur mit dem Jahr eine Veranstaltung.",
    routing=(
        "Die Wörter einer Anfrage entscheiden zwischen dem technischen und dem allgemeinen Team; "
        "unter {percent} % Sicherheit entscheidet ein Mensch."
    ),
    thanks=(
        "Ein Dank nach einer Antwort braucht keine: ab {percent} % Sicherheit schließt ihn diese "
        "Richtlinie, nie mit einer Frage darin."
    ),
    netiquette="Netiquette: {text}",
    log="Das Ereignisprotokoll umfasst {days}.",
    messages_stay="Nachrichten bleiben, bis sie entfernt werden.",
    messages_go="Beantwortete Gespräche bleiben {days}, dann werden sie entfernt.",
    dismissed_go="Was als {reason} abgewiesen wurde, bleibt {days}, dann wird es entfernt.",
    words_go=(
        "Was Menschen auf {channel} schreiben, wird nach {age} entfernt, beantwortet oder nicht; "
        "das Ereignisprotokoll behält es so lange wie alles."
    ),
    people_go="Namen auf {channel} werden entfernt, wenn {age} keine Nachricht kam.",
)

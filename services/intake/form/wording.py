"""The words of the form, one table per language; both tables have every entry.

Customers read them: no word of the desk's own (inquiry, ToDo, clock) is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["de", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("de", "en")


@dataclass(frozen=True, slots=True)
class Wording:
    """Templates for `str.format`. `locale` and the patterns are those of CLDR, by babel."""

    language: Language
    locale: str
    day_pattern: str
    date_pattern: str
    other_language: str
    title: str
    intro: str
    name: str
    email: str
    email_hint: str
    subject: str
    text: str
    files: str
    files_hint: str
    optional: str
    honeypot: str
    send: str
    privacy_notice: str
    privacy_link: str
    error_title: str
    error_summary: str
    name_too_long: str
    email_missing: str
    email_wrong: str
    subject_too_long: str
    text_missing: str
    text_too_long: str
    files_too_many: str
    files_too_large: str
    files_again: str
    again_not_ours: str
    again_too_soon: str
    again_too_late: str
    too_often: str
    too_busy: str
    unavailable: str
    unavailable_title: str
    unavailable_page: str
    body_too_large: str
    body_broken: str
    no_form_title: str
    no_form: str
    back: str
    sent_title: str
    sent_heading: str
    reference: str
    reference_hint: str
    next_heading: str
    answer_by: str
    answer_overdue: str
    follow_up_by: str
    waits_for_you: str
    by_email: str
    without_email: str
    received: str
    due: str
    zone: str
    keep_address: str
    address: str
    another: str
    held_heading: str
    answered_heading: str
    answered: str
    closed_heading: str
    closed: str
    unknown_title: str
    unknown: str
    removed: str


DE: Final = Wording(
    language="de",
    locale="de",
    day_pattern="EEEE, HH:mm 'Uhr'",
    date_pattern="EEEE, d. MMMM y, HH:mm 'Uhr'",
    other_language="English",
    title="Nachricht an {company}",
    intro="Schreiben Sie uns. Felder ohne den Zusatz „optional“ brauchen wir.",
    name="Name",
    email="E-Mail-Adresse",
    email_hint="An diese Adresse geht unsere Antwort.",
    subject="Betreff",
    text="Ihre Nachricht",
    files="Dateien",
    files_hint="Höchstens {count}, zusammen höchstens {size} MB.",
    optional="optional",
    honeypot="Dieses Feld bitte leer lassen",
    send="Nachricht senden",
    privacy_notice=(
        "Wir verwenden Ihre Angaben nur, um Ihre Anfrage zu bearbeiten und zu beantworten."
    ),
    privacy_link="Datenschutzerklärung",
    error_title="Fehler: ",
    error_summary="Ihre Nachricht ist noch nicht gesendet",
    name_too_long="Der Name ist länger als {limit} Zeichen. Bitte kürzen Sie ihn.",
    email_missing="Bitte geben Sie Ihre E-Mail-Adresse an, damit wir Ihnen antworten können.",
    email_wrong=(
        "Das ist keine vollständige E-Mail-Adresse. Vollständig ist zum Beispiel erika@example.org."
    ),
    subject_too_long="Der Betreff ist länger als {limit} Zeichen. Bitte kürzen Sie ihn.",
    text_missing="Bitte schreiben Sie, worum es geht.",
    text_too_long=(
        "Die Nachricht ist länger als {limit} Zeichen. Bitte kürzen Sie sie, oder fügen Sie einen "
        "Teil als Datei bei."
    ),
    files_too_many="Das sind mehr als {count} Dateien. Bitte wählen Sie weniger aus.",
    files_too_large="Die Dateien sind zusammen größer als {size} MB. Bitte wählen Sie weniger aus.",
    files_again="Bitte wählen Sie die Dateien noch einmal aus: Der Browser behält sie nicht.",
    again_not_ours="Bitte senden Sie die Nachricht noch einmal ab. Ihr Text ist noch da.",
    again_too_soon=(
        "Das ging schneller, als wir es von Menschen kennen. Bitte senden Sie die Nachricht noch "
        "einmal ab. Ihr Text ist noch da."
    ),
    again_too_late=(
        "Diese Seite war über einen Tag lang offen. Bitte senden Sie die Nachricht noch einmal ab. "
        "Ihr Text ist noch da."
    ),
    too_often=(
        "Von Ihrem Anschluss kamen gerade sehr viele Nachrichten. Bitte senden Sie diese in "
        "{seconds} Sekunden noch einmal ab."
    ),
    too_busy=(
        "Im Augenblick kommen sehr viele Nachrichten. Bitte senden Sie Ihre in {seconds} Sekunden "
        "noch einmal ab."
    ),
    unavailable=(
        "Im Augenblick können wir Ihre Nachricht nicht speichern. Bitte senden Sie sie in einigen "
        "Minuten noch einmal ab. Ihr Text ist noch da."
    ),
    unavailable_title="Diese Seite ist gerade nicht erreichbar",
    unavailable_page="Bitte versuchen Sie es in einigen Minuten noch einmal.",
    body_too_large=(
        "Die Dateien sind zusammen größer als {size} MB. Bitte gehen Sie im Browser zurück, wählen "
        "Sie weniger oder kleinere aus, und senden Sie die Nachricht noch einmal ab."
    ),
    body_broken=(
        "Ihre Nachricht ist nicht vollständig angekommen. Bitte gehen Sie im Browser zurück und "
        "senden Sie sie noch einmal ab."
    ),
    no_form_title="Hier gibt es kein Formular",
    no_form="Über diese Seite nimmt {company} keine Nachrichten an.",
    back="Zum Formular",
    sent_title="Nachricht an {company}: angekommen",
    sent_heading="Vielen Dank, Ihre Nachricht ist angekommen",
    reference="Ihre Vorgangsnummer",
    reference_hint="Nennen Sie diese Nummer, wenn Sie uns anrufen oder schreiben.",
    next_heading="Wie es weitergeht",
    answer_by="Wir antworten bis {due}.",
    answer_overdue=(
        "Wir wollten bis {due} antworten und sind in Verzug. Ihre Nachricht ist nicht vergessen."
    ),
    follow_up_by="Wir melden uns wieder bis {due}.",
    waits_for_you="Wir haben Ihnen geschrieben und warten auf Ihre Rückmeldung.",
    by_email="Die Antwort kommt an die E-Mail-Adresse, die Sie angegeben haben.",
    without_email=(
        "Sie haben keine E-Mail-Adresse angegeben. Wir lesen Ihre Nachricht, können Ihnen aber "
        "nicht schreiben."
    ),
    received="Eingegangen",
    due="Antwort bis",
    zone="Zeitzone",
    keep_address=(
        "Sie können diese Seite später wieder öffnen und sehen, wie es steht. Das kann jeder, der "
        "ihre Adresse kennt."
    ),
    address="Adresse dieser Seite",
    another="Noch eine Nachricht schreiben",
    held_heading="Ihre Nachricht ist in Arbeit",
    answered_heading="Ihre Nachricht ist beantwortet",
    answered="Beantwortet: {at}.",
    closed_heading="Dieser Vorgang ist abgeschlossen",
    closed="Wenn Sie noch etwas brauchen, schreiben Sie uns bitte noch einmal.",
    unknown_title="Diese Seite gibt es nicht",
    unknown=(
        "Zu dieser Adresse gehört keine Nachricht. Bitte prüfen Sie, ob die Adresse vollständig "
        "ist."
    ),
    removed="Diese Nachricht war angekommen und ist inzwischen gelöscht.",
)

EN: Final = Wording(
    language="en",
    locale="en_GB",
    day_pattern="EEEE, HH:mm",
    date_pattern="EEEE, d MMMM y, HH:mm",
    other_language="Deutsch",
    title="Message to {company}",
    intro="Write to us. We need every field that is not marked “optional”.",
    name="Name",
    email="E-mail address",
    email_hint="We send our answer to this address.",
    subject="Subject",
    text="Your message",
    files="Files",
    files_hint="At most {count}, at most {size} MB together.",
    optional="optional",
    honeypot="Please leave this field empty",
    send="Send message",
    privacy_notice="We use what you enter only to handle and answer your inquiry.",
    privacy_link="Privacy policy",
    error_title="Error: ",
    error_summary="Your message has not been sent yet",
    name_too_long="The name is longer than {limit} characters. Please shorten it.",
    email_missing="Please enter your e-mail address, so that we can answer you.",
    email_wrong="This e-mail address is not complete. A complete one would be erika@example.org.",
    subject_too_long="The subject is longer than {limit} characters. Please shorten it.",
    text_missing="Please write what it is about.",
    text_too_long=(
        "The message is longer than {limit} characters. Please shorten it, or attach a part of it "
        "as a file."
    ),
    files_too_many="These are more than {count} files. Please choose fewer.",
    files_too_large="Together the files are larger than {size} MB. Please choose fewer.",
    files_again="Please choose the files again: the browser does not keep them.",
    again_not_ours="Please send the message once more. Your text is still here.",
    again_too_soon=(
        "That was faster than people usually are. Please send the message once more. Your text "
        "is still here."
    ),
    again_too_late=(
        "This page was open for more than a day. Please send the message once more. Your text "
        "is still here."
    ),
    too_often=(
        "Very many messages have come from your connection. Please send this one again in "
        "{seconds} seconds."
    ),
    too_busy=(
        "Very many messages are coming in at the moment. Please send yours again in {seconds} "
        "seconds."
    ),
    unavailable=(
        "We cannot store your message at the moment. Please send it again in a few minutes. "
        "Your text is still here."
    ),
    unavailable_title="This page cannot be reached at the moment",
    unavailable_page="Please try again in a few minutes.",
    body_too_large=(
        "Together the files are larger than {size} MB. Please go back in your browser, choose "
        "fewer or smaller ones, and send the message again."
    ),
    body_broken=(
        "Your message has not arrived completely. Please go back in your browser and send it again."
    ),
    no_form_title="There is no form here",
    no_form="{company} takes no messages through this page.",
    back="To the form",
    sent_title="Message to {company}: received",
    sent_heading="Thank you, we have received your message",
    reference="Your reference number",
    reference_hint="Please give this number when you call us or write to us.",
    next_heading="What happens next",
    answer_by="We will answer by {due}.",
    answer_overdue=("We meant to answer by {due} and are late. Your message is not forgotten."),
    follow_up_by="You will hear from us again by {due}.",
    waits_for_you="We have written to you and are waiting for your reply.",
    by_email="The answer comes to the e-mail address that you entered.",
    without_email=(
        "You entered no e-mail address. We read your message, but we cannot write to you."
    ),
    received="Received",
    due="Answer by",
    zone="Time zone",
    keep_address=(
        "You can open this page again later and see how things stand. So can everybody who knows "
        "its address."
    ),
    address="Address of this page",
    another="Write another message",
    held_heading="We are working on your message",
    answered_heading="Your message has been answered",
    answered="Answered: {at}.",
    closed_heading="This matter is closed",
    closed="If you still need something, please write to us again.",
    unknown_title="There is no such page",
    unknown="No message belongs to this address. Please check that the address is complete.",
    removed="This message was received, and has been deleted since.",
)


def words(language: Language) -> Wording:
    return DE if language == "de" else EN

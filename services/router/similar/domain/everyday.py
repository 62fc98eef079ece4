"""Words that say nothing of what is asked: function words and courtesy, German and English."""

from __future__ import annotations

EVERYDAY = """
der die das den dem des ein eine einen einem einer eines und oder aber denn weil wenn als ob
dass damit obwohl sondern ich du er sie es wir ihr mich mir dich dir ihn ihm uns euch ihnen mein
meine meinen meinem meiner unser unsere unseren euer eure ihre ihren ihrem ihrer sein seine
seinen seiner dieser diese dieses diesen diesem welche welcher welches was wer wie wo wann warum
wieso weshalb woher wohin ist sind war waren bin bist seid wird werden wurde wurden worden habe
hat haben hatte hatten hast kann kannst koennen koennte koennten muss muessen soll sollen sollte
will wollen moechte moechten darf duerfen mag lassen laesst gibt gehen geht macht machen mache
tun tut nicht kein keine keinen keiner nichts auch noch nur schon mehr sehr so zu zum zur im in
an am auf aus bei beim bis durch fuer gegen mit nach ohne seit ueber um unter von vom vor
waehrend wegen zwischen hier da dort dann jetzt heute gestern morgen immer wieder mal bitte
danke vielen dank gruesse gruss freundliche freundlichen liebe lieben hallo guten tag abend moin
servus sehr geehrte geehrten damen herren mfg lg vg team leider eigentlich einfach gerade eben
doch ja nein man alle alles etwas andere anderen anders viel viele ganz gerne gern wuerde
wuerden waere haette frage fragen problem hilfe helfen wissen weiss schreiben schreibe melden
meldung info information kontakt moeglich
the a an and or but because if when as that than though i you he she it we they me him her us
them my your his its our their this these those which what who how where why is are was were am
be been being has have had do does did done can could must should shall will would may might let
lets get gets got getting go goes going make makes made not no nothing none also only already
more very so to in on at of off from by until through for against with after without since over
under about between here there then now today yesterday tomorrow always again please thanks
thank you kind best regards dear hello hi hey sir madam team unfortunately actually just yes any
all some other another much many quite like need want wondering question problem help know write
contact possible im ive id dont doesnt didnt cant wont isnt arent wasnt havent hasnt whats
theres hey cheers anyone anybody somebody something anything
"""

"""English words too common to say what a sentence is about."""

from __future__ import annotations

_WORDS = """
a able about above across actually add after afterwards again against ago agree ah all almost along already
alright also although always am among an and another answer any anybody anymore anyone anything anyway apart
are around as ask asked at available away back bad badly be became because become been before began begin
beginning behind being believe below beside best better between big bit both bring but by call called came
can can't cannot case certainly change check choose clear come comes coming confirm confirming correct could
couldn't couple course day days dear definitely did didn't different do does doesn't doing don't done down
during each early either else end enough especially even ever every everybody everyone everything exactly
example excellent except far feel few finally find fine first follow following for forget found friendly
from front full further gave get gets getting give given gives giving go goes going gone good got great
guess had happen happened happens happy hard has hasn't have haven't having he hear heard hello help her
here hers him himself his hold honest honestly hope how however i i'd i'll i'm i've idea if important in
indeed information inside instead into is isn't it it's its itself just keep kept kind knew know known large
last lastly late later latter least less let let's like likely list little long look looked looking looks
lot lots love lovely made make makes making many matter may maybe me mean meant might mind mine moment more
morning most mostly much must my myself near nearly need needed needs neither never new next nice no nobody
none nor not note noted nothing now nowadays of off offer often oh ok okay old on once one ones only open or
other others otherwise ought our ours out over own part people perfect perhaps person please possible
probably provide put question quite rather reach read ready really reason recommend right said same saw say
saying says second see seem seems seen send sent several shall she should shouldn't show simply since small
so some somebody someone something sometimes somewhere soon sorry sort sound sounds spoke start started
still stop such sum suppose sure take taken takes taking talk talked tell than thank thanks that that's the
their them themselves then there these they they're thing things think third this those though thought
through till time times to today together told too took toward tried truly try trying turn two understand
understood unfortunately unless until up upon us use used useful usual usually very want wanted wants was
wasn't way we we'd we'll we're we've welcome well went were weren't what what's whatever when where whether
which while who whole whom whose why will wish with within without won't wonderful word would wouldn't write
yeah year years yes yesterday yet you you'd you'll you're you've your yours yourself
"""

COMMON = frozenset(_WORDS.split())

"""The words that announce an answer, and those that only seem to."""

import re

NOT = r"(?:not|n['’]t|cannot(?:\s+be)?|can['’]t(?:\s+be)?)\b"
"""How a statement begins that says what the answer is not."""
BUT = r"\b(?:but|rather(?!\s+than\b)|it\s+is|it['’]s)\s+"
"""What may introduce the answer then."""
HEDGE = (
    r"(?:(?:(?:most\s+)?likely|probably|clearly|definitely|actually|indeed|simply|thus|therefore)[,:]?\s+"
    r"|I\s+(?:think|believe)\s+)*"
)
"""What an answer may begin with without being less of an answer."""
WORD = r"[\w'’\"“”/-]+,?\s+"
WORDS = rf"(?:(?!(?:is|answer)\b){WORD}){{0,10}}?"
# What may stand between "answer" and "is": "(Yes or No)", ", therefore,", "here", "to the question", "that fits best".
MIDDLE = (
    r"(?:\s*[\[(][^()\[\]\n]{0,60}[\])]\s*|\s*,\s[^,.;:\n]{1,40},\s*|\s+[–—-]\s[^–—\n-]{1,40}\s[–—-]\s+"
    r"|\s+(?:here|then|now|thus|therefore|hence|again|finally|clearly|simply|choice|option|letter|key|value)\b"
    r"|\s+(?:to|of)\s+(?:the\s+\w+\s*:?\s*)?[\"“][^\"“”\n]{0,200}[\"”],?\s+"
    rf"|\s+(?:to|for|of|in|on|from|at|with|among)\s+{WORDS}"
    rf"|\s+(?:that|which)\s+(?:(?:is|are|would\s+be)\s+)?{WORDS}|\s+(?:I|we|you)\s+{WORDS})"
)
COPULA = (
    r"(?:is|(?:would|will|should|must)\s+(?:(?!not\b|never\b)\w+\s+)?(?:have\s+to\s+)?be|(?:has|would\s+have)\s+to\s+be|to\s+be|ought\s+to\s+be|(?:seems|appears)(?:\s+to\s+be)?|equals|remains"
    r"|(?:turns|comes|works)\s+out\s+(?:to\s+be|to|as|at)|est|es|ist|(?=cannot\s+be|can['’]t\s+be))(?:\b|(?=n['’]t))"
)
MARKS = r"[\"'`*_]*+"
STATED = rf"(?:{MARKS}{MIDDLE}){{0,2}}{MARKS}\s*+(?:{COPULA}\s*+:?|(?P<heading>[:：=>→⇒]|[-–—]\s)){MARKS}"
ENGLISH = (
    rf"(?:(?<!/)\b(?:answer{STATED}|answers{MARKS}(?:{MIDDLE})?\s*+are\b\s*+:?{MARKS}|ans\.?\s*[:=])"
    r"|(?m:^)[#*_]{0,6}(?:final\s)?answer[*_]{0,3}\s(?=\((?-i:[A-J])\))"
    r"|(?m:^)[*_]{0,3}(?:yes\s?(?:/|or)\s?no|true\s?(?:/|or)\s?false)[*_]{0,3}\s?:"
    r"|(?m:^)[#*_ \t]{0,9}(?:(?:the|my)\s)?(?:final\s|correct\s)?answer[*_ \t]{0,9}\n)"
)
"""The last alternative is a heading on a line of its own."""
FOREIGN = (
    r"(?:\b(?:réponse|respuesta|risposta|resposta|antwort|ответ)(?:\s+(?:correct[ea]|finale?|corretta))?"
    rf"{MARKS}\s*+(?:(?:est|es|ist|è|é)\b\s*+:?|[:：=])"
    r"|(?:答案|正解|答え|정답)(?:应该|应|應)?(?:[是为為选選は은]\s*+[:：]?|[:：=])|[故所]以?[应應]?[选選]择?)"
)
DESCRIBED = (
    r"(?:option|choice|alternative|statement|sentence)\s+(?:that|which)\s+"
    rf"(?:(?:is|are)\s+(?!(?:\w+\s+)?(?:not|wrong|incorrect|false|least)\b))?{WORDS}"
)
CHOSEN = (
    r"(?:I|we)(?:['’](?:ll|d)|\s+(?:will|would|should|must))?\s+"
    r"(?:choose|pick|select|opt\s+for|go\s+(?:with|for)|settle\s+(?:on|for)|(?:answer|respond)(?:\s+with)?"
    r"|(?<!we\s)say|lean\s+towards?|vote\s+for)\b(?:\s+that\b)?:?"
)
CHOICE = (
    r"\b(?:(?:correct|right|best|better|final|closest|nearest|likely|likeliest|appropriate|suitable|accurate|logical|plausible)"
    r"\s+(?:possible\s+|remaining\s+|available\s+)?(?:option|choice|letter|alternative|match|response|completion|selection"
    r"|statement|conclusion|description|explanation|interpretation|inference|assumption)"
    rf"(?:{MIDDLE}){{0,2}}|{DESCRIBED}|(?:my|selected|chosen)\s+(?:final\s+)?(?:option|choice|selection|pick)"
    rf"|(?:(?m:^)|(?<=[*_])|(?<=[.!?]\s))(?:choice|option|selection|final)(?=[*_]*\s*[:：])|(?:my\s+)?best\s+guess)"
    rf"{MARKS}\s*+(?:{COPULA}\s*+:?|[:：]){MARKS}"
    r"|\b(?:matches|corresponds\s+to)\s+(?:the\s+)?(?:option|choice)\b"
    rf"|\b{CHOSEN}"
)
CORRECTION = (
    r"\b(?:(?:wait|hold\s+on|oops|sorry|actually|rather|scratch\s+that|correction|my\s+mistake|I\s+was\s+wrong|I\s+mean"
    r"|on\s+(?:reflection|second\s+thoughts?|closer\s+(?:inspection|reading)|further\s+(?:thought|reflection))"
    r"|let\s+me\s+(?:correct|fix|revise|change)\s+(?:that|this|myself|it|my\s+answer)(?:\s+to)?)\b[,.:;!…—–-]*+"
    r"|no[,.:;!…—–]++|(?=it\s+(?:should|must|has\s+to)\s+be\b))"
    r"\s*+(?:(?:(?:I\s+(?:now\s+)?(?:think|believe|say|mean|meant)|I['’]d\s+say)\s+)?"
    r"(?:(?:it|that|this)(?:['’]s|\s+is|\s+(?:should|must|has\s+to|would)\s+be)\s|make\s+(?:it|that)\s)?)"
)
"""What takes a statement back, with what may stand between it and the new answer."""
CORRECTING = re.compile(
    r"(?:^|\n|[^\w\s]|\b(?:no|or|but|oh|ah|hmm|and|so|well|sorry|wait|hold\s+on|actually))\s*$", re.IGNORECASE
)
"""What stands before a correction: the end of a clause. "The answer is actually" corrects nothing."""
PHRASE = re.compile(
    rf"(?:(?P<english>{ENGLISH})|(?P<foreign>{FOREIGN})|(?P<choice>{CHOICE})|(?P<correction>{CORRECTION}))",
    re.IGNORECASE,
)
OWNER = r"(?:(?:the|this|that|my|our|your|its|an?)\s+)?(?:(?:final|correct|right|best|true|exact)\s+)*$"
UNSURE = re.compile(
    r"\b(?:which|what|if|whether|unless|suppose|supposing|assume|assuming|until"
    rf"|(?:might|may|could|would)\s+(?:think|say|guess|believe|expect|assume|conclude))\s+(?:that\s+)?{OWNER}",
    re.IGNORECASE,
)
"""Before "answer is": somebody's question or assumption."""
WORKING = re.compile(
    r"\b(?:(?:(?:double-?)?check|verify|confirm|validat|test|prov|explain|justify|understand)(?:e|es|s|ing)?"
    r"|(?:to|by|how\s+(?:to|I|we)|let['’]?s|let\s+us|let\s+me)\s+(?:\w+\s+){1,2}(?:at\s+|for\s+)?"
    r"|(?:find|calculat|comput|determin|solv|deriv|gett|reach)ing"
    rf"|(?:explanation|reason|reasoning|justification|proof|steps|derivation|verification)\s+(?:of|for|behind|to))\s*{OWNER}",
    re.IGNORECASE,
)
"""Before "answer:": what follows is work on an answer."""
REMARK = re.compile(
    r"[\s*]*(?:(?:very|quite|also|indeed|only|thus|therefore|already)\s+)*(?:(?:in)?correct|right|wrong|consistent|reasonable|valid"
    r"|verified|confirmed|helpful|followed|approximate|rounded|unique|simplified|best|useful|clear\b(?!\s*:))\b(?!\s+(?:option|choice|answer))",
    re.IGNORECASE,
)
"""What is said about an answer without giving one."""
REASONING = re.compile(
    r"[\s*]*(?:let(?:['’]s|\s+us|\s+me)\b|first\b|firstly\b|step\b|steps\b|to\s|we\s+(?:know|need|can|start|have|first|must|are|will"
    r"|calculate|compute|find)\b|(?:simply\s+|then\s+)?(?:found|obtained|calculated|computed|derived|determined|reached|given|based"
    r"|arrived|achieved|shown|explained|expressed|written)\b(?!\s+(?:as|to\s+be)\b)|(?:by|using|for|from|because|since|in|as|on|due)\b"
    r"|consider\b|start\b|here(?:['’]s|\s+(?:is|are))\b|(?:below|above)\b|what\b)",
    re.IGNORECASE,
)
"""How working begins: "Let's think step by step", "found by …"."""
UNDECIDED = re.compile(
    r"[\s*:]*(?:(?:most\s+likely|currently|still|really|simply)\s+)*(?:unknown|unclear|uncertain|undetermined|undecided|inconclusive|subjective|debatable"
    r"|it\s+depends|dependent|depends|impossible\s+to|not\s+(?:\w+\s+)?(?:known|clear|certain|possible|available|provided|definitive|given|found)"
    r"|(?:cannot|can['’]t|could\s+not)\s+be\s+(?:determined|known|answered|found)|less\s+clear"
    r"|based\s+on\s+(?:a\s+number|a\s+variety|several|many|various|one['’]s|your|personal|the\s+(?:opinion|interpretation)|what|who|how|which))\b",
    re.IGNORECASE,
)
"""Nothing is decided."""

"""Does a passage say what is taught, or does it speak to whoever judges it?

A syllabus names topics. A sentence that orders, promises, addresses a model, quotes a verdict or
carries a payload is not one: it is taken out of the evidence and shown. Signs are added up, so that
one odd word (a course *about* language models, incident *response*) is not enough.
"""

from __future__ import annotations

import re
import unicodedata

from atalaia.kernel.match.text import fold

_LOOKALIKES = str.maketrans(
    "АВЕКМНОРСТХУаеорсхуіѕјԁһ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαορνιτ",
    "ABEKMHOPCTXYaeopcxyisjdh" + "ABEZHIKMNOPTYXaopvit",
)
_ODD = re.compile(r"[^\x00-\u02ff\u2010-\u2022\u2026]")

_STRONG = re.compile(
    r"\b(?:in)?deferid[oa]s?\b|\b(?:in)?deferir\b|\b(?:in)?defira\b|\bdeferimento\b"
    r"|\banalise humana\b|\bapproved?\b|\bsystem prompt\b|\bprompt (?:de|do) sistema\b"
    r"|\b(?:ignor|desconsider|esquec|desobedec|sobrescrev|desprez)\w* (?:\w+ ){0,4}"
    r"(?:instruc|orientac|regr|ordens|anterior|acima|diretriz|polit|prompt|criterio)\w*"
    r"|\b(?:ignore|disregard|forget|override|bypass|skip) (?:\w+ ){0,4}"
    r"(?:instruction|rule|previous|prior|above|polic|guideline|prompt|check|criteria|everything)\w*"
    r"|\b(?:todos?|todas?|tudo|qualquer|cada|integralmente|plenamente|totalmente) (?:\w+ ){0,7}"
    r"(?:cobert|atendid|contemplad|cumprid|satisfeit|equivalent|abrangid|presente)\w*"
    r"|\b(?:all|every|everything|each|fully|any) (?:\w+ ){0,6}"
    r"(?:covered|satisfied|equivalent|met|matched|present|approved|fulfilled)\b"
    r"|\b(?:consider|marqu|trat|assum|declar|reconhec|julgu|conclu|registr|tom|aceit)(?:e|a|em|am|ar|"
    r"ando|ar se|e se|a se|o|amos)? (?:\w+ ){0,8}"
    r"(?:cobert|atendid|contemplad|aprovad|equivalent|cumprid|estudad|vistos?|presentes?|satisfeit|"
    r"demonstrad|comprovad)\w*"
    r"|\b(?:consider|mark|treat|assume|deem|regard|count|accept|report|flag|set) (?:\w+ ){0,8}"
    r"(?:covered|equivalent|approved|satisfied|met|studied|taught|present|true|matched)\b"
    r"|\b(?:score|nota|pontuacao|cobertura|coverage|confianca|confidence)\w* (?:\w+ ){0,4}"
    r"(?:100|1 0|maxim\w+|max|total|cem)\b"
    r"|\b(?:100|cem|maxim\w+) (?:\w+ ){0,3}(?:score|pontuacao|cobertura|coverage)\b"
    r"|^(?:aprove|defira|conceda|reconheca|homologue|confirme|approve|grant|accept|confirm)\b"
    r"|\b(?:alun[oa]|estudante|discente|requerente|candidat[oa]|student|applicant|candidate) "
    r"(?:ja |foi |has |have |already )?(?:estudou|cursou|viu|domina|cumpriu|concluiu|aprovad\w+|"
    r"studied|completed|covered|passed)\b"
    r"|\b(?:este pedido|esta solicitacao|este requerimento|this request|this application)\b"
    r"|\b(?:jailbreak|dan mode|modo dan|developer mode|modo desenvolvedor|modo administrador)\b"
    r"|\b(?:nao|do not|never|dont|don t|sem) (?:\w+ ){0,2}(?:verifi|confir|check|valid|question|"
    r"review|revis|avali|human)\w*"
)
_SIGNS = (
    re.compile(
        r"^(?:\w+ ){0,2}?(?:ignore|desconsidere|esqueca|responda|retorne|devolva|escreva|imprima|"
        r"revele|mostre|repita|traduza|execute|chame|acesse|envie|classifique|atribua|conceda|aprove|"
        r"considere|marque|assuma|trate|aja|finja|siga|obedeca|conclua|decida|gere|copie|liste|baixe|"
        r"respond|return|write|print|reveal|show|repeat|translate|run|call|send|output|act|pretend|"
        r"follow|obey|mark|grant|give|decide|set|append|insert|include|load|fetch|visit|emit|say)\b"
    ),
    re.compile(r"\b(?:voce|vc|you|your|seu papel|sua tarefa|your task|your role|tu)\b"),
    re.compile(r"\b(?:deve|devera|must|shall|should|devem|obrigatoriamente|have to|need to)\b"),
    re.compile(
        r"\b(?:avaliador|avaliadora|examinador|parecerista|assistente|assistant|evaluator|grader|"
        r"reviewer|sistema automatico|robo|chatbot|llm|gpt|claude|llama|modelo de linguagem|"
        r"language model|inteligencia artificial que|ia que|a ia|the ai|motor de equivalencia)\b"
    ),
    re.compile(
        r"\b(?:instruc\w+|instruction\w*|prompt|comando a seguir|mensagem do sistema|"
        r"nova regra|new rule|atencao|important|importante|nota ao|note to|aviso ao|urgent\w*)\b"
    ),
    re.compile(
        r"\b(?:equivalen\w+|aproveitamento de estudos|criteri\w+|veredito|verdict|decisao|decision|"
        r"score|pontuacao|evidenc\w+|quote|citac\w+|conceitos? criticos?|concepts?|json)\b"
    ),
    re.compile(
        r"\b(?:senha|password|chave de api|api key|token|segredo|secret|credencia\w+|canary|"
        r"variave\w+ de ambiente|environment variable\w*)\b"
    ),
    re.compile(
        r"\b(?:a partir de agora|from now on|em vez disso|instead|ao final|antes de tudo)\b"
    ),
)
_PAYLOAD = re.compile(
    r"https?://|www\.|<[a-z!/][^>]{0,200}>|<!--|-->|```|\{\{|\}\}|\{%|\$\{|"
    r"<\||\|>|\[/?INST\]|</?s>|#{3,}|\"\s*:\s*[\"\[{\dtf]|\b[A-Za-z0-9+/]{32,}={0,2}|"
    r"(?:^|\n)\s*(?:system|assistant|user|sistema|assistente|usu[aá]rio|developer|tool|human|ai)\s*:|"
    r"\\u00|%[0-9a-f]{2}%[0-9a-f]{2}|\bjavascript:|;\s*--|\bdrop table\b|\bunion select\b|"
    r"\beval\(|\bexec\(|\bcurl\b.{0,40}\bhttp|\bfile://|!\[[^\]]*\]\(",
    re.IGNORECASE,
)
_ENOUGH = 2
_OPENS = re.compile(
    r":\s*$|```|<!--|<\w+>|\b(?:a seguir|abaixo|seguintes|following|below|the rest|listad[oa]s)\b",
    re.IGNORECASE,
)


def plain(text: str) -> tuple[str, list[int] | None]:
    """`text` as it is meant to be seen, and for each of its characters its place in `text` (None:
    the same): nothing invisible, no other alphabet's lookalikes, compatible forms made one."""
    if not _ODD.search(text) and "\u00ad" not in text:
        return text, None
    seen: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if (
            unicodedata.category(character) in ("Cf", "Cc", "Co", "Cn")
            and character not in "\n\r\t"
        ):
            continue
        for one in unicodedata.normalize("NFKC", character).translate(_LOOKALIKES):
            seen.append(one)
            places.append(place)
    return "".join(seen), places


def is_instruction(passage: str) -> bool:
    """Whether a passage of a syllabus speaks to its reader."""
    if _PAYLOAD.search(passage):
        return True
    low = fold(passage)
    return bool(_STRONG.search(low)) or sum(bool(s.search(low)) for s in _SIGNS) >= _ENOUGH


def is_innocent(passage: str) -> bool:
    """Whether nothing in it, not one sign, speaks to a reader."""
    low = fold(passage)
    return not is_instruction(passage) and not any(sign.search(low) for sign in _SIGNS)


def opens_a_list(passage: str) -> bool:
    """Whether what follows an instruction belongs to it ("considere cobertos os itens abaixo:")."""
    return bool(_OPENS.search(passage.strip()))

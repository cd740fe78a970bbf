"""The sentences that the demo's customer letters are made of, in English, German and Spanish.

All of it is invented: the company, its wares, the streets and the people. Slots are `{product}`,
`{amount}`, `{order}`, `{day}`, `{weeks}` for the matter and `{name}`, `{email}`, `{phone}`,
`{iban}`, `{account}` for personal data.
"""

from __future__ import annotations

from dataclasses import dataclass

TOPICS = ("billing", "delivery", "cancellation", "complaint", "praise")


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language: sentences by topic, sentences for two topics, and what stands around them."""

    by_topic: dict[str, tuple[str, ...]]
    between: tuple[
        tuple[str, str, str], ...
    ]  # two topics, and a letter that may be meant as either
    greetings: tuple[str, ...]
    openings: tuple[str, ...]
    asides: tuple[str, ...]  # say nothing about the topic
    contacts: tuple[str, ...]  # with slots for personal data
    closings: tuple[str, ...]
    products: tuple[str, ...]
    days: tuple[str, ...]
    given_names: tuple[str, ...]
    family_names: tuple[str, ...]


ENGLISH = Phrases(
    by_topic={
        "billing": (
            "My last invoice shows {amount}, although my usual amount is much lower.",
            "The same payment of {amount} was taken from my account twice on {day}.",
            "I paid order {order} by bank transfer, yet I have now received a reminder for it.",
            "Could you explain the service fee of {amount} on my statement?",
            "The discount that I was promised is missing from the bill for the {product}.",
            "I still have not seen the refund of {amount} for the {product}.",
            "The direct debit went out {weeks} weeks too early and my bank charged me for it.",
            "Please send me a corrected invoice with the right VAT rate for order {order}.",
            "I was billed for two of the {product} and ordered only one.",
            "My card was charged {amount} and I cannot match it to any order.",
            "I would like to change the bank details that you use for my monthly payment.",
            "The total on the statement of {day} does not add up: it should be {amount} less.",
            "Is it possible to pay the outstanding {amount} in three instalments?",
            "For our tax return we need a copy of all receipts of the past year.",
        ),
        "delivery": (
            "The {product} that I ordered {weeks} weeks ago has still not arrived.",
            "Tracking for order {order} has said 'in transit' since {day}.",
            "The driver left the parcel in the rain and the box is soaked through.",
            "According to the carrier my parcel was handed to a neighbour, but nobody here has it.",
            "Could you deliver order {order} after six in the evening, please?",
            "We are moving house, so the {product} needs to go to our new address.",
            "Only one of the two boxes was delivered on {day}; the other one is missing.",
            "The courier claims that nobody was at home, although I waited all {day}.",
            "Which date can I expect the {product}? The shop said {weeks} weeks at most.",
            "The parcel shop has sent the package back before I could collect it.",
            "Please tell me whether you ship the {product} to the islands.",
            "You sent the {product} in the wrong colour and I need it exchanged.",
            "The delivery window that I booked for {day} was missed without any notice.",
            "A part of the {product} was missing when I unpacked it.",
        ),
        "cancellation": (
            "I would like to cancel my subscription at the end of the month.",
            "Please cancel order {order}; I no longer need the {product}.",
            "I hereby give notice to end my contract, to take effect on the next possible date.",
            "I withdraw from the purchase of the {product} within the fourteen days.",
            "Please confirm in writing that the membership ends and will not renew itself.",
            "I tried to end the plan on your website, but the button leads nowhere.",
            "My mother has moved into a home, so her contract has to be closed.",
            "We found another supplier and will not extend the agreement for the {product}.",
            "Kindly stop the monthly box from {day} on.",
            "I signed up for the trial only and do not wish to continue.",
            "How long is the notice period, and do I need to return the {product}?",
            "Please delete my customer account once the contract has ended.",
            "The trial of the {product} was fine, but it is not for us; please end it.",
            "I ordered the {product} twice by mistake; please take one of them off.",
        ),
        "complaint": (
            "The {product} broke after {weeks} weeks, and I expect better at this price.",
            "I have called four times and every time I was promised a call back that never came.",
            "Your colleague on the telephone was rude and hung up on me.",
            "This is the third time that I write about the same fault, and nothing happens.",
            "I spent {weeks} weeks waiting for an answer, which I find unacceptable.",
            "The repair of the {product} made it worse than before.",
            "The instructions are wrong, and nobody at your company seems to care.",
            "I am very disappointed by the way this has been handled.",
            "If I do not hear from you by {day}, I will go to the consumer association.",
            "The quality of the {product} is nothing like what your catalogue shows.",
            "On {day} I stood in your shop for an hour and nobody would help me.",
            "The {product} smells of chemicals and gives us headaches.",
            "Your chat assistant sends me in circles and I cannot reach a person.",
            "I ask you to forward this letter to whoever is responsible for service.",
        ),
        "praise": (
            "I just want to say thank you for the quick help on {day}.",
            "The {product} is even better than described, and my whole family loves it.",
            "Your technician was friendly, careful and left everything clean.",
            "In {weeks} weeks of daily use the {product} has not let me down once.",
            "Please pass on my thanks to the lady at the counter who was so patient.",
            "I have recommended you to all my neighbours.",
            "It is rare to get such an honest and clear answer from a company.",
            "The replacement came the very next day, which really impressed me.",
            "You solved in ten minutes what others could not solve in {weeks} weeks.",
            "We have been customers for many years and have never regretted it.",
            "The handwritten card in the box made my day.",
            "Well done on the new website; even I found everything at once.",
            "The {product} was a present, and you should have seen her face.",
            "Keep up the good work, you have a customer for life.",
        ),
    },
    between=(
        ("billing", "delivery", "I was charged {amount} for a {product} that never arrived."),
        ("billing", "delivery", "Order {order} is paid, so where is it, or where is my money?"),
        (
            "billing",
            "cancellation",
            "I ended the plan in spring and {amount} is still being taken.",
        ),
        ("billing", "cancellation", "Please stop the monthly payment of {amount}."),
        ("billing", "complaint", "The bill is wrong again, and again nobody answers my letters."),
        (
            "delivery",
            "complaint",
            "Third delivery date missed for order {order}. I am tired of this.",
        ),
        ("delivery", "complaint", "The {product} came broken, again."),
        ("delivery", "cancellation", "If order {order} does not come by {day}, I do not want it."),
        ("delivery", "praise", "The {product} came a day early, in spite of what tracking said."),
        ("cancellation", "complaint", "After the way I was treated on {day} I am leaving."),
        ("cancellation", "praise", "You were always kind, but I no longer need the {product}."),
        ("complaint", "praise", "The {product} is excellent; your telephone service is not."),
        ("billing", "praise", "The wrong charge of {amount} was corrected within the hour."),
    ),
    greetings=(
        "Dear Sir or Madam,",
        "Hello,",
        "Dear Brightwater team,",
        "Good morning,",
        "Hi there,",
    ),
    openings=(
        "I am writing about my {product}.",
        "I have been a customer for several years.",
        "Thank you for taking the time to read this.",
        "I hope this reaches the right department.",
        "This concerns order {order}.",
        "I am writing on behalf of my father, who does not use a computer.",
    ),
    asides=(
        "I attach a copy of the papers.",
        "I bought it together with the {product} on {day}.",
        "My husband has already spoken to somebody about it.",
        "The order number is {order}.",
        "I am away until {day}, so please write rather than ring.",
        "I could not find an answer on your website.",
        "As you can imagine, time matters to us.",
        "The amount in question is {amount}.",
    ),
    contacts=(
        "You can reach me on {phone}.",
        "Please write to {email}.",
        "My account number with you is {account}.",
        "Customer account {account}, telephone {phone}.",
        "Any repayment should go to IBAN {iban}.",
        "My bank details are {iban}, in the name of {name}.",
        "My e-mail is {email} and in the daytime I am on {phone}.",
        "The contract {account} runs in the name of {name}.",
    ),
    closings=("Kind regards,", "Yours sincerely,", "Best wishes,", "With thanks,", "Regards,"),
    products=(
        "Halden lamp",
        "coffee grinder",
        "garden bench",
        "Torvik heater",
        "kitchen scales",
        "bookshelf",
        "water filter",
        "desk chair",
    ),
    days=(
        "Monday",
        "Tuesday",
        "Friday",
        "3 March",
        "14 May",
        "the 21st",
        "9 October",
        "1 December",
    ),
    given_names=("Alice", "Martin", "Priya", "Owen", "Grace", "Tomasz", "Leila", "Hugh", "Nora"),
    family_names=(
        "Ashgrove",
        "Penhallick",
        "Okandu",
        "Merrowby",
        "Tellwright",
        "Sandvale",
        "Dunmarsh",
    ),
)

GERMAN = Phrases(
    by_topic={
        "billing": (
            "Auf der letzten Rechnung stehen {amount}, üblich ist bei mir deutlich weniger.",
            "Der Betrag von {amount} wurde am {day} zweimal abgebucht.",
            "Die Bestellung {order} ist längst bezahlt, trotzdem kam heute eine Mahnung.",
            "Bitte erklären Sie mir die Servicegebühr von {amount}.",
            "Auf die Gutschrift von {amount} warte ich noch immer.",
            "Ich brauche eine berichtigte Rechnung mit dem richtigen Steuersatz.",
            "Kann ich den offenen Betrag von {amount} in drei Raten zahlen?",
        ),
        "delivery": (
            "Die Ware ({product}) ist nach {weeks} Wochen noch nicht angekommen.",
            "Die Sendungsverfolgung zu {order} steht seit {day} auf 'unterwegs'.",
            "Das Paket lag im Regen vor der Tür und ist durchnässt.",
            "Angeblich wurde das Paket beim Nachbarn abgegeben, dort weiß niemand davon.",
            "Bitte liefern Sie die Bestellung {order} an unsere neue Anschrift.",
            "Von zwei Kartons kam am {day} nur einer an.",
            "Der Fahrer hat nicht geklingelt, obwohl ich den ganzen Tag zu Hause war.",
        ),
        "cancellation": (
            "Hiermit kündige ich meinen Vertrag zum nächstmöglichen Zeitpunkt.",
            "Bitte stornieren Sie die Bestellung {order}.",
            "Ich widerrufe den Kauf ({product}) innerhalb der vierzehn Tage.",
            "Bitte bestätigen Sie mir schriftlich das Ende des Abonnements.",
            "Das Probeabo möchte ich nicht fortsetzen.",
            "Wie lang ist die Kündigungsfrist, und muss ich das Gerät zurücksenden?",
            "Meine Mutter ist ins Heim gezogen, ihr Vertrag muss beendet werden.",
        ),
        "complaint": (
            "Nach {weeks} Wochen ist die Ware ({product}) kaputt, das darf nicht sein.",
            "Viermal habe ich angerufen, viermal wurde ein Rückruf versprochen, der nie kam.",
            "Ihr Mitarbeiter am Telefon war unhöflich und hat aufgelegt.",
            "Ich schreibe nun zum dritten Mal wegen desselben Mangels.",
            "Die Qualität entspricht in keiner Weise dem Katalog.",
            "Höre ich bis {day} nichts, wende ich mich an die Verbraucherzentrale.",
            "Über diesen Umgang mit Kunden bin ich sehr enttäuscht.",
        ),
        "praise": (
            "Ich möchte mich herzlich für die schnelle Hilfe am {day} bedanken.",
            "Die Ware ({product}) ist noch besser als beschrieben, alle sind begeistert.",
            "Ihr Techniker war freundlich, sorgfältig und hat alles sauber hinterlassen.",
            "Eine so ehrliche und klare Antwort bekommt man selten.",
            "Der Ersatz war schon am nächsten Tag da, großartig.",
            "Ich habe Sie allen Nachbarn empfohlen.",
            "Machen Sie weiter so, wir bleiben gern Kunden.",
        ),
    },
    between=(
        ("billing", "delivery", "{amount} sind bezahlt, aber bei mir kam nichts an."),
        ("billing", "cancellation", "Bitte buchen Sie ab {day} nichts mehr ab."),
        ("delivery", "complaint", "Schon wieder beschädigt angekommen, schon wieder {order}."),
        ("cancellation", "complaint", "Nach diesem Erlebnis möchte ich nicht länger Kunde sein."),
        ("complaint", "praise", "Das Produkt ist hervorragend, die Hotline leider nicht."),
    ),
    greetings=("Sehr geehrte Damen und Herren,", "Guten Tag,", "Hallo liebes Brightwater-Team,"),
    openings=(
        "ich schreibe Ihnen wegen meiner Bestellung {order}.",
        "seit vielen Jahren bin ich bei Ihnen Kunde.",
        "hoffentlich erreicht dieses Schreiben die richtige Stelle.",
    ),
    asides=(
        "Eine Kopie der Unterlagen liegt bei.",
        "Auf Ihrer Seite fand ich dazu keine Antwort.",
        "Bis {day} bin ich verreist, schreiben Sie mir bitte.",
        "Es geht um {amount}.",
    ),
    contacts=(
        "Sie erreichen mich unter {phone}.",
        "Bitte schreiben Sie an {email}.",
        "Meine Kundennummer lautet {account}.",
        "Eine Erstattung bitte auf {iban}.",
        "Kontoinhaber ist {name}, IBAN {iban}.",
        "Der Vertrag {account} läuft auf {name}.",
    ),
    closings=("Mit freundlichen Grüßen", "Viele Grüße", "Beste Grüße"),
    products=(
        "Kaffeemühle",
        "Gartenbank",
        "Lampe Halden",
        "Heizer Torvik",
        "Regal",
        "Wasserfilter",
    ),
    days=("Montag", "Freitag", "3. März", "14. Mai", "9. Oktober", "1. Dezember"),
    given_names=("Anke", "Jörg", "Zeynep", "Uwe", "Katharina", "Malte", "Sören", "Heike"),
    family_names=("Birkenfeldt", "Moorkamp", "Sülzbrück", "Ahlhöfer", "Tannwald", "Grünstedt"),
)

SPANISH = Phrases(
    by_topic={
        "billing": (
            "En la última factura aparecen {amount}, mucho más de lo habitual.",
            "Me han cobrado {amount} dos veces el {day}.",
            "El pedido {order} está pagado y aun así he recibido un aviso de impago.",
            "¿Podrían explicarme la comisión de {amount}?",
            "Todavía no he recibido el reembolso de {amount}.",
            "Necesito una factura corregida con el IVA correcto.",
        ),
        "delivery": (
            "Hace {weeks} semanas que espero el pedido ({product}) y no ha llegado.",
            "El seguimiento de {order} no cambia desde el {day}.",
            "Dejaron el paquete bajo la lluvia y la caja está empapada.",
            "Dicen que lo entregaron a un vecino, pero aquí nadie lo tiene.",
            "Les ruego que envíen el pedido a nuestra nueva dirección.",
            "De las dos cajas solo llegó una el {day}.",
        ),
        "cancellation": (
            "Deseo dar de baja mi suscripción a final de mes.",
            "Por favor, anulen el pedido {order}, ya no lo necesito.",
            "Ejerzo mi derecho de desistimiento dentro de los catorce días.",
            "Confírmenme por escrito que el contrato termina y no se renueva.",
            "Solo quería la prueba gratuita y no deseo continuar.",
            "¿Cuál es el plazo de preaviso para rescindir el contrato?",
        ),
        "complaint": (
            "El artículo ({product}) se rompió a las {weeks} semanas, es inaceptable.",
            "He llamado cuatro veces y nadie me ha devuelto la llamada.",
            "Su empleado fue grosero y me colgó el teléfono.",
            "Es la tercera vez que escribo por la misma avería.",
            "La calidad no tiene nada que ver con el catálogo.",
            "Si no responden antes del {day}, acudiré a la oficina del consumidor.",
        ),
        "praise": (
            "Quiero darles las gracias por la rápida ayuda del {day}.",
            "El artículo ({product}) es aún mejor de lo que esperaba.",
            "El técnico fue amable, cuidadoso y lo dejó todo limpio.",
            "Pocas veces se recibe una respuesta tan clara y honrada.",
            "Los he recomendado a todos mis vecinos.",
            "Sigan así, tienen un cliente para toda la vida.",
        ),
    },
    between=(
        ("billing", "delivery", "He pagado {amount} por algo que nunca llegó."),
        ("billing", "cancellation", "No me cobren más a partir del {day}, por favor."),
        ("delivery", "complaint", "Otra vez ha llegado roto el pedido {order}."),
        ("cancellation", "complaint", "Después de este trato no quiero seguir con ustedes."),
    ),
    greetings=("Estimados señores:", "Buenos días:", "Hola, equipo de Brightwater:"),
    openings=(
        "Les escribo por el pedido {order}.",
        "Soy cliente suyo desde hace años.",
        "Espero que esta carta llegue al departamento adecuado.",
    ),
    asides=(
        "Adjunto copia de los documentos.",
        "No encontré la respuesta en su página.",
        "Estaré de viaje hasta el {day}.",
        "Se trata de {amount}.",
    ),
    contacts=(
        "Pueden llamarme al {phone}.",
        "Escríbanme a {email}.",
        "Mi número de cliente es {account}.",
        "El reembolso, por favor, a la cuenta {iban}.",
        "La cuenta {iban} está a nombre de {name}.",
    ),
    closings=("Atentamente,", "Un cordial saludo,", "Saludos,"),
    products=("molinillo de café", "banco de jardín", "lámpara Halden", "estantería", "silla"),
    days=("lunes", "viernes", "3 de marzo", "14 de mayo", "9 de octubre", "1 de diciembre"),
    given_names=("Lucía", "Iñaki", "Rosario", "Andrés", "Beatriz", "Joaquín", "Marisol"),
    family_names=("Valdeolmo", "Cerrofuerte", "Ibarluzea", "Montesclaro", "Peñarrubia"),
)

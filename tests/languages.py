# ruff: noqa: E501
"""A text in each language, and the encodings it is found in."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "zh-Hans": (
        "我们今天下午三点开会，请大家准时参加。合同的付款方式为先付百分之三十，货到后再付其余部分。如果对方没有按时交货，"
        "每天要赔偿总价的千分之五。本产品保修两年，人为损坏不在保修范围内。春天来了，公园里的桃花开得很漂亮，孩子们在草地上"
        "放风筝。图书馆每天早上八点开门，周末晚上九点关门。这本书讲的是一个年轻医生在山区工作的故事，读完之后让人久久不能平静。"
        "明天可能下雨，出门记得带伞。电脑突然死机，文件还没保存。",
        ("gb18030", "utf-16-le", "utf-16-be", "utf-32-le", "utf-8"),
    ),
    "zh-Hant": (
        "我們今天下午三點開會，請大家準時參加。合約的付款方式為先付百分之三十，貨到後再付其餘部分。如果對方沒有按時交貨，"
        "每天要賠償總價的千分之五。本產品保固兩年，人為損壞不在保固範圍內。春天來了，公園裡的桃花開得很漂亮，孩子們在草地上"
        "放風箏。圖書館每天早上八點開門，週末晚上九點關門。這本書講的是一個年輕醫生在山區工作的故事，讀完之後讓人久久不能平靜。"
        "明天可能下雨，出門記得帶傘。電腦突然當機，檔案還沒儲存。",
        ("big5", "gb18030", "utf-16-le", "utf-16-be"),
    ),
    "ja": (
        "本日の会議は午後三時から始まりますので、時間までにお集まりください。契約書の内容をよく確認してから署名してください。"
        "この製品の保証期間は購入日から二年間です。春になると公園の桜がとてもきれいに咲きます。図書館は毎朝九時に開きます。"
        "パソコンが突然止まって、ファイルを保存できませんでした。東京から大阪まで新幹線で約二時間半かかります。昨日は雨が降って"
        "いたので、一日中家で本を読んでいました。インターネットで注文した商品がまだ届いていません。",
        ("cp932", "euc_jp", "iso2022_jp", "utf-16-le"),
    ),
    "ko": (
        "오늘 오후 세 시에 회의가 있으니 모두 시간에 맞춰 참석해 주시기 바랍니다. 계약서의 내용을 잘 확인한 다음에 서명해 주세요. "
        "이 제품의 보증 기간은 구입일로부터 이 년입니다. 봄이 되면 공원에 벚꽃이 아주 예쁘게 핍니다. 도서관은 매일 아침 아홉 시에 "
        "문을 엽니다. 컴퓨터가 갑자기 멈춰서 파일을 저장하지 못했습니다. 서울에서 부산까지 기차로 약 세 시간이 걸립니다. "
        "어제는 비가 와서 하루 종일 집에서 책을 읽었습니다.",
        ("euc_kr", "cp949", "utf-16-le", "utf-16-be"),
    ),
    "de": (
        "Über die Kündigung müssen wir nächste Woche noch einmal ausführlich sprechen. Die Öffnungszeiten der Bücherei ändern sich "
        "während der Sommerferien. Früher wäre das unmöglich gewesen, heute gehört es dazu. Bitte überprüfen Sie die Größe, bevor "
        "Sie den Schlüssel zurückgeben. Für Schäden übernimmt der Käufer die Kosten.",
        ("cp1252", "utf-16-le"),
    ),
    "fr": (
        "L'été dernier, nous avons visité un château près de la forêt où le comte a vécu. Le marché a été signé à Genève après de "
        "longues négociations. Les élèves préfèrent étudier à la bibliothèque, où il fait très frais. Ça dépend du prix proposé. "
        "Le contrat prévoit une pénalité si le délai n'est pas respecté par l'employé.",
        ("cp1252", "iso8859_15"),
    ),
    "es": (
        "El próximo año la compañía abrirá una oficina en España. ¿Cuándo empieza la reunión? Según el informe, la situación "
        "económica mejoró después de la última decisión. El niño preguntó por qué no había más información en la página. Además, "
        "el señor Núñez pidió que se corrigiera el número de teléfono.",
        ("cp1252",),
    ),
    "pl": (
        "Zażółć gęślą jaźń to zdanie używane do sprawdzania polskich znaków. Umowa została podpisana w środę, a płatność nastąpi "
        "później. Książki należy zwrócić do końca tygodnia. Jeżeli pogoda się pogorszy, wycieczka zostanie odwołana. Proszę "
        "dokładnie przeczytać treść, zanim państwo złożą podpis.",
        ("cp1250", "iso8859_2"),
    ),
    "cs": (
        "Příští týden začíná škola a děti se už těší na kamarády. Smlouva byla podepsána ve středu, platba proběhne později. "
        "Žluťoučký kůň úpěl ďábelské ódy. Knihovna je otevřená každý všední den od osmi hodin. Před podpisem si prosím pečlivě "
        "přečtěte všechny podmínky.",
        ("cp1250", "iso8859_2"),
    ),
    "ru": (
        "Сегодня в три часа дня состоится собрание, просим всех прийти вовремя. Договор подписан в среду, оплата будет позже. "
        "Гарантия на изделие составляет два года со дня покупки. Весной в парке цветут деревья, и дети играют на траве. "
        "Библиотека открыта каждый день с восьми часов утра. Компьютер внезапно завис, и файл не был сохранён.",
        ("cp1251", "koi8_r", "cp866", "iso8859_5", "utf-16-le"),
    ),
    "el": (
        "Η συνάντηση αρχίζει στις τρεις το απόγευμα και παρακαλούμε όλους να έρθουν στην ώρα τους. Το συμβόλαιο υπογράφηκε την "
        "Τετάρτη και η πληρωμή θα γίνει αργότερα. Η εγγύηση του προϊόντος είναι δύο χρόνια. Την άνοιξη ανθίζουν τα δέντρα.",
        ("cp1253",),
    ),
    "he": (
        "הפגישה מתחילה בשעה שלוש אחר הצהריים ומבקשים מכולם להגיע בזמן. החוזה נחתם ביום רביעי והתשלום יבוצע מאוחר יותר. "
        "האחריות על המוצר היא שנתיים מיום הקנייה. באביב פורחים העצים בפארק והילדים משחקים על הדשא. הספרייה פתוחה בכל יום.",
        ("cp1255",),
    ),
    "ar": (
        "يبدأ الاجتماع في الساعة الثالثة بعد الظهر ونرجو من الجميع الحضور في الوقت المحدد. تم توقيع العقد يوم الأربعاء وسيتم الدفع "
        "لاحقا. ضمان المنتج سنتان من تاريخ الشراء. في الربيع تزهر الأشجار في الحديقة ويلعب الأطفال على العشب.",
        ("cp1256",),
    ),
    "th": (
        "การประชุมจะเริ่มเวลาบ่ายสามโมง ขอให้ทุกคนมาให้ตรงเวลา สัญญาลงนามเมื่อวันพุธและจะชำระเงินภายหลัง สินค้านี้รับประกันสองปีนับจากวันที่ซื้อ "
        "ห้องสมุดเปิดทุกวันเวลาแปดโมงเช้า เมื่อวานฝนตกจึงอ่านหนังสืออยู่บ้านทั้งวัน",
        ("cp874",),
    ),
}


def windows(language: str, length: int) -> list[str]:
    """Pieces of a language's text, ``length`` characters each, those that are not plain ASCII."""
    text = TEXTS[language][0]
    step = max(7, length // 2)
    pieces = [text[start : start + length] for start in range(0, max(1, len(text) - length + 1), step)]
    return [piece for piece in pieces if sum(char > "\x7f" for char in piece) >= max(1, length // 30)]

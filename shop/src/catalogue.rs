//! Owns what the shop sells. Prices live here and nowhere else: no form can name one.

use crate::language::Language;

/// The most of one product that an order can have.
pub(crate) const QUANTITY_MAX: i64 = 9;

/// A text in both languages.
#[derive(Debug)]
pub(crate) struct Both {
    korean: &'static str,
    english: &'static str,
}

impl Both {
    /// The text in this language.
    pub(crate) const fn of(&self, language: Language) -> &'static str {
        match language {
            Language::Korean => self.korean,
            Language::English => self.english,
        }
    }
}

/// One thing for sale.
#[derive(Debug)]
pub(crate) struct Product {
    /// Its name in addresses, and of its picture.
    pub(crate) slug: &'static str,
    /// What it is called.
    pub(crate) name: Both,
    /// One line below the name.
    pub(crate) tagline: Both,
    /// What its page tells.
    pub(crate) story: Both,
    /// What of one costs, in won.
    pub(crate) price: i64,
    /// Its picture.
    pub(crate) picture: &'static str,
}

const fn both(korean: &'static str, english: &'static str) -> Both {
    Both { korean, english }
}

/// Everything for sale, in the order it is shown.
pub(crate) const PRODUCTS: [Product; 6] = [
    Product {
        slug: "mug",
        name: both("흙빛 머그", "Clay mug"),
        tagline: both("손에 꼭 맞는 350ml", "350 ml, made for two hands"),
        story: both(
            "이천의 작은 가마에서 하나씩 빚어 색이 조금씩 다릅니다. 식기세척기와 전자레인지를 쓸 수 있어요.",
            "Thrown one by one in a small kiln in Icheon, so no two share a shade. \
             Safe in the dishwasher and the microwave.",
        ),
        price: 18_000,
        picture: include_str!("../assets/products/mug.svg"),
    },
    Product {
        slug: "tea",
        name: both("제주 호지차", "Jeju hojicha"),
        tagline: both("천천히 볶은 잎차 60g", "Slow-roasted leaves, 60 g"),
        story: both(
            "가을에 딴 잎을 낮은 불에 오래 볶아 고소하고 부드럽습니다. 카페인이 적어 저녁에도 좋아요.",
            "Autumn leaves roasted long over a low fire: nutty, soft, and low enough in caffeine \
             for the evening.",
        ),
        price: 24_000,
        picture: include_str!("../assets/products/tea.svg"),
    },
    Product {
        slug: "notebook",
        name: both("줄 없는 노트", "Plain notebook"),
        tagline: both("A5, 완전히 펼쳐지는 192쪽", "A5, 192 pages that lie flat"),
        story: both(
            "만년필이 번지지 않는 90g 종이를 실로 묶었습니다. 어느 쪽을 펴도 평평하게 펼쳐져요.",
            "Sewn 90 g paper that takes a fountain pen without bleeding, and lies flat wherever \
             it is opened.",
        ),
        price: 9_800,
        picture: include_str!("../assets/products/notebook.svg"),
    },
    Product {
        slug: "tote",
        name: both("린넨 토트백", "Linen tote"),
        tagline: both("가볍고 질긴 16L", "Light, strong, 16 litres"),
        story: both(
            "두 번 빤 린넨이라 처음부터 부드럽고, 쓸수록 결이 살아납니다. 안주머니가 하나 있어요.",
            "Twice-washed linen, soft from the first day and better with each one. \
             One pocket inside.",
        ),
        price: 33_000,
        picture: include_str!("../assets/products/tote.svg"),
    },
    Product {
        slug: "candle",
        name: both("삼나무 캔들", "Cedar candle"),
        tagline: both("마흔 시간의 숲 냄새", "Forty hours of forest"),
        story: both(
            "콩 왁스에 삼나무와 젖은 이끼 향을 담았습니다. 다 쓴 유리컵은 물컵으로 써도 됩니다.",
            "Soy wax with cedar and wet moss. Once it has burnt down, the glass is a tumbler.",
        ),
        price: 28_000,
        picture: include_str!("../assets/products/candle.svg"),
    },
    Product {
        slug: "lamp",
        name: both("접이식 독서등", "Folding reading lamp"),
        tagline: both("눈이 편한 2700K, 충전식", "Warm 2700 K, rechargeable"),
        story: both(
            "접으면 책 한 권 크기, 한 번 충전하면 스무 시간. 밝기는 다섯 단계로 바꿀 수 있어요.",
            "Folds to the size of a book, shines for twenty hours on a charge, \
             in five steps of brightness.",
        ),
        price: 64_000,
        picture: include_str!("../assets/products/lamp.svg"),
    },
];

/// The product of this name.
pub(crate) fn product(slug: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.slug == slug)
}

//! Lenient decoding: a wrong value counts as unknown, a wrong item as missing; the rest is kept.

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// Reads a value that can be done without: what is null, missing or of another type is not known. Needs `#[serde(default)]`.
pub(super) fn loose<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum LooseValue<T> {
        Known(T),
        Odd(IgnoredAny),
    }
    let value = Option::<LooseValue<T>>::deserialize(deserializer)?;
    Ok(match value {
        Some(LooseValue::Known(value)) => Some(value),
        Some(LooseValue::Odd(_)) | None => None,
    })
}

/// What should be an object, such as an item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Item<T> {
    Read(T),
    /// Null, or no object at all.
    #[default]
    Odd,
}

impl<T> Item<T> {
    pub(super) fn read(self) -> Option<T> {
        match self {
            Self::Read(item) => Some(item),
            Self::Odd => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor(PhantomData))
    }
}

/// What should be a list; `None` where there is none, which is not an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LenientList<T>(pub(super) Option<Vec<Item<T>>>);

impl<T> Default for LenientList<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for LenientList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// The scalars, which are neither an object nor a list.
macro_rules! odd_scalars {
    ($odd:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok($odd)
        }
        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_any(self)
        }
    };
}

struct ItemVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ItemVisitor<T> {
    type Value = Item<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Item::Read)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Item<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Item::Odd)
    }

    odd_scalars!(Item::Odd);
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = LenientList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LenientList<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(LenientList(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<LenientList<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(LenientList(Some(list)))
    }

    odd_scalars!(LenientList(None));
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    #[derive(Deserialize, Debug, Clone, PartialEq, Eq)]
    struct Wire {
        #[serde(default, deserialize_with = "loose")]
        id: Option<u64>,
        #[serde(default, deserialize_with = "loose")]
        at: Option<DateTime<Utc>>,
    }

    #[test]
    fn an_odd_value_is_not_known_and_an_odd_item_is_lost_alone() {
        let wire = |id| Item::Read(Wire { id, at: None });
        let cases = [
            ("nothing odd", r#"[{"id":1}]"#, Some(vec![wire(Some(1))])),
            ("a null value", r#"[{"id":null,"at":null}]"#, Some(vec![wire(None)])),
            ("a missing key", "[{}]", Some(vec![wire(None)])),
            ("a text for a number", r#"[{"id":"1"},{"id":2}]"#, Some(vec![wire(None), wire(Some(2))])),
            ("an object for a number", r#"[{"id":{"a":[1]}}]"#, Some(vec![wire(None)])),
            ("a time that is none", r#"[{"id":1,"at":""}]"#, Some(vec![wire(Some(1))])),
            ("a null item", r#"[null,{"id":2}]"#, Some(vec![Item::Odd, wire(Some(2))])),
            ("a number for an item", r#"[7,{"id":2}]"#, Some(vec![Item::Odd, wire(Some(2))])),
            ("a list for an item", r#"[[{"id":1}],{"id":2}]"#, Some(vec![Item::Odd, wire(Some(2))])),
            ("an empty list", "[]", Some(vec![])),
            ("null for a list", "null", None),
            ("an object for a list", r#"{"id":1}"#, None),
            ("a text for a list", r#""none""#, None),
        ];
        for (sentence, json, expected) in cases {
            let read: LenientList<Wire> = serde_json::from_str(json).unwrap();
            assert_eq!(read.0, expected, "{sentence}");
        }
        assert!(serde_json::from_str::<LenientList<Wire>>("[{\"id\":1}").is_err(), "broken JSON stays broken");
    }
}

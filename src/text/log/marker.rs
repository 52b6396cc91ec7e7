//! The runner's markers of sections: `section_start:1560896352:NAME[collapsed=true]`, then CR and `ESC [ 0 K`.

/// Longer ones are no markers: it bounds how far back one is looked for.
pub(super) const AT_MOST: usize = 256;

/// A section begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SectionMarker {
    pub(super) is_start: bool,
    /// Seconds since 1970.
    pub(super) at: u64,
    pub(super) name: String,
    /// GitLab shows it folded.
    pub(super) is_collapsed: bool,
    /// Bytes that it takes at the end of its line.
    pub(super) length: usize,
}

impl SectionMarker {
    /// Finds the marker at the end of a text.
    pub(super) fn at_end(text: &str) -> Option<Self> {
        let near = &text.as_bytes()[text.len().saturating_sub(AT_MOST)..];
        let start = near.windows(PREFIX.len()).rposition(|window| window == PREFIX)?;
        let marker = str::from_utf8(&near[start..]).ok()?;
        let (word, rest) = marker[PREFIX.len()..].split_once(':')?;
        let (at, rest) = rest.split_once(':')?;
        let (name, options) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        let are_options = options.is_empty() || options.find(']') == Some(options.len() - 1);
        if !(is_name(name) && are_options && at.bytes().all(|byte| byte.is_ascii_digit())) {
            return None;
        }
        let is_start = match word {
            "start" => true,
            "end" => false,
            _ => return None,
        };
        let mut options = options.trim_matches(['[', ']']).split(',').map(str::trim);
        let is_collapsed = options.any(|option| option == "collapsed=true");
        Some(Self { is_start, at: at.parse().ok()?, name: name.to_owned(), is_collapsed, length: marker.len() })
    }
}

const PREFIX: &[u8] = b"section_";

//! Values of the metadata, which stay where they are in the file.

/// A value of the metadata, whatever its width in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// An integer of an unsigned type.
    Unsigned(u64),
    /// An integer of a signed type.
    Signed(i64),
    /// A number of 32 or 64 bits.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A text.
    String(&'a str),
    /// Many values of one type.
    Array(Array<'a>),
}

/// Many values of one type, each looked at when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Array<'a> {
    kind: Kind,
    len: usize,
    bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (mut cursor, kind) = (Cursor { left: self.bytes }, self.kind);
        // All of them were read once when the array was.
        (0..self.len).map_while(move |_| cursor.value(kind).ok())
    }
}

/// The types of values, by their numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::F32,
        Self::Bool,
        Self::String,
        Self::Array,
        Self::U64,
        Self::I64,
        Self::F64,
    ];
}

/// What is wrong with the bytes, to be completed with where.
pub(super) type Fault<T> = Result<T, String>;

/// Reads from the front of some bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) left: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, count: usize) -> Fault<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(count).ok_or_else(|| {
            format!("the file ends too early: {count} bytes are announced, {} are left", self.left.len())
        })?;
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Fault<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Fault<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Fault<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length or a count.
    pub(super) fn len(&mut self) -> Fault<usize> {
        let len = self.u64()?;
        usize::try_from(len).map_err(|_| format!("a length of {len} is announced"))
    }

    pub(super) fn string(&mut self) -> Fault<&'a str> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).map_err(|error| format!("a text is not UTF-8: {error}"))
    }

    pub(super) fn kind(&mut self) -> Fault<Kind> {
        let number = self.u32()?;
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u32 == number);
        kind.ok_or_else(|| format!("there is no type of values with the number {number}"))
    }

    pub(super) fn value(&mut self, kind: Kind) -> Fault<Value<'a>> {
        Ok(match kind {
            Kind::U8 => Value::Unsigned(u8::from_le_bytes(self.array()?).into()),
            Kind::U16 => Value::Unsigned(u16::from_le_bytes(self.array()?).into()),
            Kind::U32 => Value::Unsigned(self.u32()?.into()),
            Kind::U64 => Value::Unsigned(self.u64()?),
            Kind::I8 => Value::Signed(i8::from_le_bytes(self.array()?).into()),
            Kind::I16 => Value::Signed(i16::from_le_bytes(self.array()?).into()),
            Kind::I32 => Value::Signed(i32::from_le_bytes(self.array()?).into()),
            Kind::I64 => Value::Signed(i64::from_le_bytes(self.array()?)),
            Kind::F32 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            Kind::F64 => Value::Float(f64::from_le_bytes(self.array()?)),
            Kind::Bool => Value::Bool(match self.array()? {
                [0] => false,
                [1] => true,
                [other] => return Err(format!("a truth value is {other}, which is neither 0 nor 1")),
            }),
            Kind::String => Value::String(self.string()?),
            Kind::Array => Value::Array(self.values()?),
        })
    }

    fn values(&mut self) -> Fault<Array<'a>> {
        let kind = self.kind()?;
        if kind == Kind::Array {
            return Err("arrays of arrays are not read".into());
        }
        let len = self.len()?;
        let start = self.left;
        for _ in 0..len {
            self.value(kind)?;
        }
        Ok(Array { kind, len, bytes: &start[..start.len() - self.left.len()] })
    }
}

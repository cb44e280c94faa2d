//! stub
#![allow(missing_docs)]
use crate::domain::{Epoch, Record, RoomId, RoomInfo};
use bytestring::ByteString;
#[derive(Debug, PartialEq, Eq)]
pub struct Style;
impl Style {
    pub fn tail(&self, _: &RoomId, _: &Epoch, _: &Record) -> ByteString {
        ByteString::new()
    }
    pub fn room_changed(&self, _: super::native::Change, _: &RoomInfo) -> ByteString {
        ByteString::new()
    }
}
#[derive(Debug)]
pub struct Head;
impl Head {
    pub fn frame(&self, _: &str) -> ByteString {
        ByteString::new()
    }
    pub fn len(&self) -> usize {
        0
    }
}

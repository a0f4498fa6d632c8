#define N 3
int rm; short prep; int msgs; byte tm;
active proctype sys() {
end: do
:: d_step { (tm==0 && prep==7) -> tm=1; msgs=msgs|16384; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (tm==0) -> tm=2; msgs=msgs|32768; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (tm==0 && (msgs&1)) -> prep=prep|1; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { ((rm&3)==0) -> rm=rm|1; msgs=msgs|1; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { ((rm&3)==0) -> rm=rm|3; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (msgs&16384) -> rm=(rm&-4)|2; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (msgs&32768) -> rm=rm|3; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (tm==0 && (msgs&2)) -> prep=prep|2; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { ((rm&12)==0) -> rm=rm|4; msgs=msgs|2; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { ((rm&12)==0) -> rm=rm|12; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (msgs&16384) -> rm=(rm&-13)|8; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (msgs&32768) -> rm=rm|12; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (tm==0 && (msgs&4)) -> prep=prep|4; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { ((rm&48)==0) -> rm=rm|16; msgs=msgs|4; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { ((rm&48)==0) -> rm=rm|48; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (msgs&16384) -> rm=(rm&-49)|32; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
:: d_step { (msgs&32768) -> rm=rm|48; assert(!(((rm&(rm>>1))&21) && ((~rm)&(rm>>1)&21))) }
od }

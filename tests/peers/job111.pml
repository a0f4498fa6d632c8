byte st[1]; byte att[1]; byte wk[1]; bit dead[1]; byte jt[1]; byte ja[1]; short net[1];
active proctype sys() {
end: do
:: d_step { (st[0]==1||st[0]==2) -> st[0]=(att[0]<1->0:5); wk[0]=0; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (st[0]==0 && att[0]==0) -> st[0]=1; att[0]=1; wk[0]=1; net[0]=net[0]|1; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (dead[0]) -> dead[0]=0; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (!dead[0]) -> dead[0]=1; jt[0]=0; ja[0]=0; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (jt[0]==1 && ja[0]==1) -> net[0]=net[0]|4; jt[0]=0; ja[0]=0; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (jt[0]==1 && ja[0]==1) -> net[0]=net[0]|8; jt[0]=0; ja[0]=0; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (net[0]&1) -> net[0]=net[0]&-2; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (net[0]&2) -> net[0]=net[0]&-3; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (net[0]&4) -> net[0]=net[0]&-5; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (net[0]&8) -> net[0]=net[0]&-9; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { ((net[0]&1) && !dead[0] && jt[0]==0) -> net[0]=(net[0]&-2)|2; jt[0]=1; ja[0]=1; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (net[0]&2) -> net[0]=net[0]&-3; st[0]=((st[0]==1&&att[0]==1&&wk[0]==1)->2:st[0]); assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (net[0]&4) -> net[0]=net[0]&-5; if :: ((st[0]==1||st[0]==2)&&att[0]==1&&wk[0]==1) -> st[0]=3; wk[0]=0 :: else -> skip fi; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
:: d_step { (net[0]&8) -> net[0]=net[0]&-9; if :: ((st[0]==1||st[0]==2)&&att[0]==1&&wk[0]==1) -> st[0]=4; wk[0]=0 :: else -> skip fi; assert(!(jt[0]==1 && ja[0]>att[0]) && !((st[0]==1||st[0]==2) && wk[0]==0)) }
od }
